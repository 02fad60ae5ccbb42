// A device that has another compute, and notes how long each kind of operation takes.

import Foundation
import Tensors

/// Time and work of one kind of operation.
struct Kind {
    var seconds = 0.0
    var gigaflops = 0.0
    var calls = 0
}

/// Hands every operation to another device. Calls come from one thread.
final class TracingDevice: Device, @unchecked Sendable {
    // Sendable: operations come from the one thread that runs the model.
    let inner: any Device
    private(set) var kinds: [String: Kind] = [:]

    /// Whether a layer's shape is part of its kind.
    private let showsShapes: Bool

    init(_ inner: any Device, showsShapes: Bool) { (self.inner, self.showsShapes) = (inner, showsShapes) }

    func reset() { kinds = [:] }

    /// Prints each kind's part of `total` seconds of `runs` runs, and what lay between the operations.
    func report(total: Double, runs: Int) {
        let rest = Kind(seconds: total - kinds.values.reduce(0) { $0 + $1.seconds }, calls: runs)
        for (name, kind) in (kinds.map(\.self) + [("between", rest)]).sorted(by: { $0.1.seconds > $1.1.seconds }) {
            print(
                "{\"kind\":\"\(name)\",\"seconds\":\(kind.seconds / Double(runs)),\"share\":\(kind.seconds / total),"
                    + "\"gflops\":\(kind.gigaflops / kind.seconds),\"calls\":\(kind.calls / runs)}")
        }
    }

    var facts: DeviceFacts { inner.facts }
    var freeBytes: Int { inner.freeBytes }

    /// Memory of the other device under this device's name.
    private final class Traced: Storage, @unchecked Sendable {
        // Sendable: as the base class.
        let inner: Storage

        init(_ inner: Storage, device: any Device) {
            self.inner = inner
            super.init(count: inner.count, device: device)
        }
    }

    private func plain(_ tensor: Tensor) -> Tensor {
        guard let storage = tensor.storage as? Traced else { preconditionFailure("tensor of another device") }
        return Tensor(storage: storage.inner, offset: tensor.offset, shape: tensor.shape)
    }

    private static func shape(_ x: Tensor, _ weight: Tensor) -> String {
        " \(x.shape.dropLast()) \(x.channels)->\(weight.shape[0])"
    }

    private func traced(
        _ kind: String, flops: Int = 0, shape: String = "", _ operation: () throws(DeviceError) -> Tensor
    ) throws(DeviceError) -> Tensor {
        let kind = showsShapes ? kind + shape : kind
        let begin = ContinuousClock.now
        let result = try operation()
        kinds[kind, default: Kind()].seconds += (ContinuousClock.now - begin) / .seconds(1)
        kinds[kind, default: Kind()].gigaflops += Double(flops) * 1e-9
        kinds[kind, default: Kind()].calls += 1
        return Tensor(storage: Traced(result.storage, device: self), offset: result.offset, shape: result.shape)
    }

    func store(_ values: [Float]) throws(DeviceError) -> Storage { Traced(try inner.store(values), device: self) }
    func store(repeating value: Float, count: Int) throws(DeviceError) -> Storage {
        Traced(try inner.store(repeating: value, count: count), device: self)
    }
    func store(mapping floats: UnsafePointer<Float>, count: Int, owner: any AnyObject & Sendable) throws(DeviceError)
        -> Storage
    {
        Traced(try inner.store(mapping: floats, count: count, owner: owner), device: self)
    }
    func floats(of tensor: Tensor) throws(DeviceError) -> [Float] { try inner.floats(of: plain(tensor)) }
    func releaseIdleMemory() { inner.releaseIdleMemory() }
    func concatenateBatches(_ parts: [Tensor]) throws(DeviceError) -> Tensor {
        try traced("moves") { () throws(DeviceError) in try inner.concatenateBatches(parts.map(plain)) }
    }

    func linear(_ x: Tensor, weight: Tensor, bias: Tensor?, adding shortcut: Tensor?) throws(DeviceError) -> Tensor {
        try traced("linear", flops: 2 * x.count * weight.shape[0], shape: Self.shape(x, weight)) {
            () throws(DeviceError) in
            try inner.linear(
                plain(x), weight: plain(weight), bias: bias.map(plain), adding: shortcut.map(plain))
        }
    }
    func perceptron(
        _ x: Tensor, _ expansion: LinearWeights, _ activation: PerceptronActivation, _ contraction: LinearWeights,
        adding shortcut: Tensor?
    ) throws(DeviceError) -> Tensor {
        let rows = x.count / x.channels
        let plainWeights = { (layer: LinearWeights) in
            LinearWeights(weight: self.plain(layer.weight), bias: layer.bias.map(self.plain))
        }
        return try traced(
            "linear", flops: 2 * rows * (expansion.weight.count + contraction.weight.count),
            shape: Self.shape(x, expansion.weight) + "->\(contraction.weight.shape[0])"
        ) { () throws(DeviceError) in
            try inner.perceptron(
                plain(x), plainWeights(expansion), activation, plainWeights(contraction),
                adding: shortcut.map(plain))
        }
    }
    func convolution(
        _ x: Tensor, weight: Tensor, bias: Tensor?, stride: Int, padding: Padding, adding shortcut: Tensor?,
        activation: Activation?
    ) throws(DeviceError) -> Tensor {
        let taps = weight.shape[2] * weight.shape[3]
        let positions = x.count / x.channels / stride / stride
        let side = "convolution \(weight.shape[2])x\(weight.shape[3])"
        let kind = taps * stride == 1 ? "linear" : stride == 1 ? side : "\(side), stride \(stride)"
        return try traced(
            kind, flops: 2 * positions * x.channels * taps * weight.shape[0], shape: Self.shape(x, weight)
        ) { () throws(DeviceError) in
            try inner.convolution(
                plain(x), weight: plain(weight), bias: bias.map(plain), stride: stride, padding: padding,
                adding: shortcut.map(plain), activation: activation)
        }
    }
    func attention(queries: Tensor, keys: Tensor, values: Tensor, heads: Int, isCausal: Bool) throws(DeviceError)
        -> Tensor
    {
        let kind = keys.shape[1] == 77 ? "attention to text" : "self-attention"
        return try traced(kind, flops: 4 * queries.count * keys.shape[1], shape: " \(queries.shape)") {
            () throws(DeviceError) in
            try inner.attention(
                queries: plain(queries), keys: plain(keys), values: plain(values), heads: heads, isCausal: isCausal)
        }
    }
    func groupNormalization(
        _ x: Tensor, groups: Int, scale: Tensor, shift: Tensor, epsilon: Float, activation: Activation?
    ) throws(DeviceError) -> Tensor {
        try traced("normalization") { () throws(DeviceError) in
            try inner.groupNormalization(
                plain(x), groups: groups, scale: plain(scale), shift: plain(shift), epsilon: epsilon,
                activation: activation)
        }
    }
    func layerNormalization(_ x: Tensor, scale: Tensor, shift: Tensor, epsilon: Float) throws(DeviceError) -> Tensor {
        try traced("normalization") { () throws(DeviceError) in
            try inner.layerNormalization(plain(x), scale: plain(scale), shift: plain(shift), epsilon: epsilon)
        }
    }
    func pool(_ x: Tensor, _ pooling: Pooling, _ window: PoolingWindow) throws(DeviceError) -> Tensor {
        try traced("pooling", shape: " \(x.shape)") { () throws(DeviceError) in
            try inner.pool(plain(x), pooling, window)
        }
    }
    func regions(_ boxes: Tensor, of x: Tensor, _ sampling: RegionSampling) throws(DeviceError) -> Tensor {
        try traced("regions", shape: " \(x.shape) \(boxes.shape[0])") { () throws(DeviceError) in
            try inner.regions(plain(boxes), of: plain(x), sampling)
        }
    }
    func apply(_ activation: Activation, to x: Tensor) throws(DeviceError) -> Tensor {
        try traced("activations, sums") { () throws(DeviceError) in try inner.apply(activation, to: plain(x)) }
    }
    func gatedGelu(_ x: Tensor) throws(DeviceError) -> Tensor {
        try traced("activations, sums") { () throws(DeviceError) in try inner.gatedGelu(plain(x)) }
    }
    func add(_ x: Tensor, _ y: Tensor) throws(DeviceError) -> Tensor {
        try traced("activations, sums") { () throws(DeviceError) in try inner.add(plain(x), plain(y)) }
    }
    func add(_ x: Tensor, perImage: Tensor) throws(DeviceError) -> Tensor {
        try traced("activations, sums") { () throws(DeviceError) in try inner.add(plain(x), perImage: plain(perImage))
        }
    }
    func concatenateChannels(_ x: Tensor, _ y: Tensor) throws(DeviceError) -> Tensor {
        try traced("moves") { () throws(DeviceError) in try inner.concatenateChannels(plain(x), plain(y)) }
    }
    func channels(_ range: Range<Int>, of x: Tensor) throws(DeviceError) -> Tensor {
        try traced("moves") { () throws(DeviceError) in try inner.channels(range, of: plain(x)) }
    }
    func upsampleNearest(_ x: Tensor, rows: Int, columns: Int) throws(DeviceError) -> Tensor {
        try traced("moves") { () throws(DeviceError) in
            try inner.upsampleNearest(plain(x), rows: rows, columns: columns)
        }
    }
    func embedding(_ table: Tensor, identifiers: [[Int]]) throws(DeviceError) -> Tensor {
        try traced("moves") { () throws(DeviceError) in try inner.embedding(plain(table), identifiers: identifiers) }
    }
}
