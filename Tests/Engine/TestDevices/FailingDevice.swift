// A device on which operations fail when a test wants them to.

import Synchronization
package import Tensors

/// Hands operations to another device, unless a test decides that they fail.
package final class FailingDevice: Device {
    /// What an operation is about to do.
    package struct Operation: Sendable {
        /// Its place among all operations of the device, from 0; storing and reading have none.
        package var index: Int
        /// As the protocol names it.
        package var name: String
        /// How many images, texts or rows stand in the first dimension of what it takes.
        package var batch: Int
    }

    private let inner: any Device
    private let failure: @Sendable (Operation) -> DeviceError?
    private let count = Mutex(0)
    /// Those of the other device, unless they were given.
    package let facts: DeviceFacts

    /// Fails where `failure` gives an error.
    package init(
        _ inner: any Device, facts: DeviceFacts? = nil, failure: @escaping @Sendable (Operation) -> DeviceError?
    ) {
        (self.inner, self.facts, self.failure) = (inner, facts ?? inner.facts, failure)
    }

    /// How many operations were begun.
    package var operations: Int { count.withLock { $0 } }

    /// Those of the other device.
    package var freeBytes: Int { inner.freeBytes }

    /// Memory of the other device under this device's name.
    private final class Wrapped: Storage, @unchecked Sendable {
        // Sendable: as the base class.
        let inner: Storage

        init(_ inner: Storage, device: any Device) {
            self.inner = inner
            super.init(count: inner.count, device: device)
        }
    }

    private func wrapped(_ storage: Storage) -> Storage { Wrapped(storage, device: self) }

    private func plain(_ tensor: Tensor) -> Tensor {
        guard let storage = tensor.storage as? Wrapped else { preconditionFailure("tensor of another device") }
        return Tensor(storage: storage.inner, offset: tensor.offset, shape: tensor.shape)
    }

    private func plain(_ layer: LinearWeights) -> LinearWeights {
        LinearWeights(weight: plain(layer.weight), bias: layer.bias.map(plain))
    }

    private func perhaps(
        _ name: String, _ x: Tensor, _ compute: () throws(DeviceError) -> Tensor
    ) throws(DeviceError) -> Tensor {
        let index = count.withLock { count in
            defer { count += 1 }
            return count
        }
        if let error = failure(Operation(index: index, name: name, batch: x.shape[0])) { throw error }
        let result = try compute()
        return Tensor(storage: wrapped(result.storage), offset: result.offset, shape: result.shape)
    }

    private func perhaps(_ name: String, batch: Int) throws(DeviceError) {
        if let error = failure(Operation(index: -1, name: name, batch: batch)) { throw error }
    }
}

// What follows only hands over.
extension FailingDevice {
    package func store(_ values: [Float]) throws(DeviceError) -> Storage {
        try perhaps("store", batch: values.count)
        return wrapped(try inner.store(values))
    }
    package func store(repeating value: Float, count: Int) throws(DeviceError) -> Storage {
        try perhaps("store", batch: count)
        return wrapped(try inner.store(repeating: value, count: count))
    }
    package func store(
        mapping floats: UnsafePointer<Float>, count: Int, owner: any AnyObject & Sendable
    ) throws(DeviceError) -> Storage {
        try perhaps("store", batch: count)
        return wrapped(try inner.store(mapping: floats, count: count, owner: owner))
    }
    package func floats(of tensor: Tensor) throws(DeviceError) -> [Float] {
        try perhaps("floats", batch: tensor.shape.first ?? 1)
        return try inner.floats(of: plain(tensor))
    }
    package func releaseIdleMemory() { inner.releaseIdleMemory() }
    package func concatenateBatches(_ parts: [Tensor]) throws(DeviceError) -> Tensor {
        try perhaps("concatenateBatches", parts[0]) { () throws(DeviceError) in
            try inner.concatenateBatches(parts.map(plain))
        }
    }
    package func linear(
        _ x: Tensor, weight: Tensor, bias: Tensor?, adding shortcut: Tensor?
    ) throws(DeviceError) -> Tensor {
        try perhaps("linear", x) { () throws(DeviceError) in
            try inner.linear(plain(x), weight: plain(weight), bias: bias.map(plain), adding: shortcut.map(plain))
        }
    }
    package func convolution(
        _ x: Tensor, weight: Tensor, bias: Tensor?, stride: Int, padding: Padding, adding shortcut: Tensor?,
        activation: Activation?
    ) throws(DeviceError) -> Tensor {
        try perhaps("convolution", x) { () throws(DeviceError) in
            try inner.convolution(
                plain(x), weight: plain(weight), bias: bias.map(plain), stride: stride, padding: padding,
                adding: shortcut.map(plain), activation: activation)
        }
    }
    package func perceptron(
        _ x: Tensor, _ expansion: LinearWeights, _ activation: PerceptronActivation, _ contraction: LinearWeights,
        adding shortcut: Tensor?
    ) throws(DeviceError) -> Tensor {
        try perhaps("perceptron", x) { () throws(DeviceError) in
            try inner.perceptron(
                plain(x), plain(expansion), activation, plain(contraction), adding: shortcut.map(plain))
        }
    }
    package func attention(
        queries: Tensor, keys: Tensor, values: Tensor, heads: Int, isCausal: Bool
    ) throws(DeviceError) -> Tensor {
        try perhaps("attention", queries) { () throws(DeviceError) in
            try inner.attention(
                queries: plain(queries), keys: plain(keys), values: plain(values), heads: heads, isCausal: isCausal)
        }
    }
    package func groupNormalization(
        _ x: Tensor, groups: Int, scale: Tensor, shift: Tensor, epsilon: Float, activation: Activation?
    ) throws(DeviceError) -> Tensor {
        try perhaps("groupNormalization", x) { () throws(DeviceError) in
            try inner.groupNormalization(
                plain(x), groups: groups, scale: plain(scale), shift: plain(shift), epsilon: epsilon,
                activation: activation)
        }
    }
    package func layerNormalization(
        _ x: Tensor, scale: Tensor, shift: Tensor, epsilon: Float
    ) throws(DeviceError) -> Tensor {
        try perhaps("layerNormalization", x) { () throws(DeviceError) in
            try inner.layerNormalization(plain(x), scale: plain(scale), shift: plain(shift), epsilon: epsilon)
        }
    }
    package func pool(_ x: Tensor, _ pooling: Pooling, _ window: PoolingWindow) throws(DeviceError) -> Tensor {
        try perhaps("pool", x) { () throws(DeviceError) in try inner.pool(plain(x), pooling, window) }
    }
    package func regions(_ boxes: Tensor, of x: Tensor, _ sampling: RegionSampling) throws(DeviceError) -> Tensor {
        try perhaps("regions", x) { () throws(DeviceError) in
            try inner.regions(plain(boxes), of: plain(x), sampling)
        }
    }
    package func apply(_ activation: Activation, to x: Tensor) throws(DeviceError) -> Tensor {
        try perhaps("apply", x) { () throws(DeviceError) in try inner.apply(activation, to: plain(x)) }
    }
    package func gatedGelu(_ x: Tensor) throws(DeviceError) -> Tensor {
        try perhaps("gatedGelu", x) { () throws(DeviceError) in try inner.gatedGelu(plain(x)) }
    }
    package func add(_ x: Tensor, _ y: Tensor) throws(DeviceError) -> Tensor {
        try perhaps("add", x) { () throws(DeviceError) in try inner.add(plain(x), plain(y)) }
    }
    package func add(_ x: Tensor, perImage: Tensor) throws(DeviceError) -> Tensor {
        try perhaps("add", x) { () throws(DeviceError) in try inner.add(plain(x), perImage: plain(perImage)) }
    }
    package func concatenateChannels(_ x: Tensor, _ y: Tensor) throws(DeviceError) -> Tensor {
        try perhaps("concatenateChannels", x) { () throws(DeviceError) in
            try inner.concatenateChannels(plain(x), plain(y))
        }
    }
    package func channels(_ range: Range<Int>, of x: Tensor) throws(DeviceError) -> Tensor {
        try perhaps("channels", x) { () throws(DeviceError) in try inner.channels(range, of: plain(x)) }
    }
    package func upsampleNearest(_ x: Tensor, rows: Int, columns: Int) throws(DeviceError) -> Tensor {
        try perhaps("upsampleNearest", x) { () throws(DeviceError) in
            try inner.upsampleNearest(plain(x), rows: rows, columns: columns)
        }
    }
    package func embedding(_ table: Tensor, identifiers: [[Int]]) throws(DeviceError) -> Tensor {
        try perhaps("embedding", table) { () throws(DeviceError) in
            try inner.embedding(plain(table), identifiers: identifiers)
        }
    }
}
