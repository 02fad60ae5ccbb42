// A device without numbers: it shows what models assume of one.

import Synchronization
package import Tensors

/// Keeps the shapes of tensors and the names of operations, and computes nothing: every number read from it is 0.
///
/// Tensors of other devices trap. It has no memory, no processor and none of this host's types, so whatever runs through it
/// needs the contract alone.
package final class RecordingDevice: Device {
    /// What was asked for.
    package struct Record: Sendable, Hashable {
        /// As the protocol names it.
        package var name: String
        /// The first argument's shape; for `store`, how many numbers.
        package var shape: [Int]
    }

    private let log = Mutex<[Record]>([])
    /// What it says of itself.
    package let facts: DeviceFacts
    /// More than anything takes.
    package let freeBytes = Int.max

    /// Likes everything at once, unless told otherwise.
    package init(_ facts: DeviceFacts = DeviceFacts(name: "recording")) { self.facts = facts }

    /// What was asked for, in order.
    package var records: [Record] { log.withLock { $0 } }

    /// Forgets what was asked for.
    package func forget() { log.withLock { $0 = [] } }

    private func note(_ name: String, _ shape: [Int]) { log.withLock { $0.append(Record(name: name, shape: shape)) } }

    private func stored(_ count: Int) -> Storage {
        note("store", [count])
        return Storage(count: count, device: self)
    }

    private func result(_ name: String, _ shape: [Int], of arguments: Tensor?...) -> Tensor {
        for argument in arguments.compactMap(\.self) {
            precondition(argument.device === self && argument.failure == nil, "\(name): a tensor of another device")
        }
        note(name, arguments[0]?.shape ?? [])
        return Tensor(storage: Storage(count: shape.reduce(1, *), device: self), shape: shape)
    }
}

extension RecordingDevice {
    package func store(_ values: [Float]) -> Storage { stored(values.count) }
    package func store(repeating value: Float, count: Int) -> Storage { stored(count) }
    package func store(
        mapping floats: UnsafePointer<Float>, count: Int, owner: any AnyObject & Sendable
    ) -> Storage { stored(count) }
    package func floats(of tensor: Tensor) -> [Float] {
        precondition(tensor.device === self, "floats: a tensor of another device")
        note("floats", tensor.shape)
        return Array(repeating: 0, count: tensor.count)
    }
    package func releaseIdleMemory() { note("releaseIdleMemory", []) }
    package func concatenateBatches(_ parts: [Tensor]) -> Tensor {
        result(
            "concatenateBatches", [parts.reduce(0) { $0 + $1.shape[0] }] + parts[0].shape.dropFirst(), of: parts[0],
            parts[1])
    }
    package func linear(_ x: Tensor, weight: Tensor, bias: Tensor?, adding shortcut: Tensor?) -> Tensor {
        result("linear", x.shape.dropLast() + [weight.shape[0]], of: x, weight, bias, shortcut)
    }
    package func convolution(
        _ x: Tensor, weight: Tensor, bias: Tensor?, stride: Int, padding: Padding, adding shortcut: Tensor?,
        activation: Activation?
    ) -> Tensor {
        let rows = (x.shape[1] + padding.top + padding.bottom - weight.shape[2]) / stride + 1
        let columns = (x.shape[2] + padding.left + padding.right - weight.shape[3]) / stride + 1
        return result("convolution", [x.shape[0], rows, columns, weight.shape[0]], of: x, weight, bias, shortcut)
    }
    package func perceptron(
        _ x: Tensor, _ expansion: LinearWeights, _ activation: PerceptronActivation, _ contraction: LinearWeights,
        adding shortcut: Tensor?
    ) -> Tensor {
        result(
            "perceptron", x.shape.dropLast() + [contraction.weight.shape[0]], of: x, expansion.weight, expansion.bias,
            contraction.weight, contraction.bias, shortcut)
    }
    package func attention(queries: Tensor, keys: Tensor, values: Tensor, heads: Int, isCausal: Bool) -> Tensor {
        result("attention", queries.shape, of: queries, keys, values)
    }
    package func groupNormalization(
        _ x: Tensor, groups: Int, scale: Tensor, shift: Tensor, epsilon: Float, activation: Activation?
    ) -> Tensor { result("groupNormalization", x.shape, of: x, scale, shift) }
    package func layerNormalization(_ x: Tensor, scale: Tensor, shift: Tensor, epsilon: Float) -> Tensor {
        result("layerNormalization", x.shape, of: x, scale, shift)
    }
    package func pool(_ x: Tensor, _ pooling: Pooling, _ window: PoolingWindow) -> Tensor {
        let size = window.size(x.shape[1], x.shape[2])
        return result("pool", [x.shape[0], size.rows, size.columns, x.channels], of: x)
    }
    package func regions(_ boxes: Tensor, of x: Tensor, _ sampling: RegionSampling) -> Tensor {
        result("regions", [boxes.shape[0], sampling.rows, sampling.columns, x.channels], of: x, boxes)
    }
    package func apply(_ activation: Activation, to x: Tensor) -> Tensor { result("apply", x.shape, of: x) }
    package func gatedGelu(_ x: Tensor) -> Tensor {
        result("gatedGelu", x.shape.dropLast() + [x.channels / 2], of: x)
    }
    package func add(_ x: Tensor, _ y: Tensor) -> Tensor { result("add", x.shape, of: x, y) }
    package func add(_ x: Tensor, perImage: Tensor) -> Tensor { result("add", x.shape, of: x, perImage) }
    package func concatenateChannels(_ x: Tensor, _ y: Tensor) -> Tensor {
        result("concatenateChannels", x.shape.dropLast() + [x.channels + y.channels], of: x, y)
    }
    package func channels(_ range: Range<Int>, of x: Tensor) -> Tensor {
        result("channels", x.shape.dropLast() + [range.count], of: x)
    }
    package func upsampleNearest(_ x: Tensor, rows: Int, columns: Int) -> Tensor {
        result("upsampleNearest", [x.shape[0], rows, columns, x.channels], of: x)
    }
    package func embedding(_ table: Tensor, identifiers: [[Int]]) -> Tensor {
        result("embedding", [identifiers.count, identifiers[0].count, table.channels], of: table)
    }
}
