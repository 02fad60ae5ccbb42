// A dense array of float32 numbers on one device, and what needs no arithmetic: shape, views, copies in and out.

/// A dense, row-major array of float32 numbers on one device.
///
/// A tensor never changes after it was made, so views share memory and copies are free. Activations are channels-last:
/// images `[batch, rows, columns, channels]`, tokens `[batch, positions, channels]`, so going from one to the other is
/// a change of shape. Shapes that do not fit are programming errors and trap, naming the operation and the shapes.
///
/// Operations do not throw, so that models read like formulas. One that fails on its device gives a tensor of the right shape
/// that carries the failure instead of numbers, as does every operation with such an argument; reading it throws.
public struct Tensor: Sendable {
    /// The size of each dimension, the slowest first.
    public let shape: [Int]
    /// The memory, shared with views.
    public let storage: Storage
    /// Where this tensor begins in its storage, in numbers.
    public let offset: Int

    /// Why there are no numbers in it.
    public var failure: DeviceError? { storage.failure }
    /// How many numbers it holds.
    public var count: Int { shape.reduce(1, *) }
    /// Where it lives, and what computes with it.
    public var device: any Device { storage.device }
    /// The size of the last dimension: the channels of an activation.
    public var channels: Int { shape[shape.count - 1] }

    /// A tensor over existing memory.
    public init(storage: Storage, offset: Int = 0, shape: [Int]) {
        self.storage = storage
        self.offset = offset
        self.shape = shape
        precondition(
            offset >= 0 && offset + shape.reduce(1, *) <= storage.count,
            "tensor: shape \(shape) at \(offset) does not fit a storage of \(storage.count)")
    }

    /// Copies `values`, row-major, onto the device.
    public init(_ values: [Float], shape: [Int], device: any Device) {
        precondition(values.count == shape.reduce(1, *), "tensor: \(values.count) numbers for shape \(shape)")
        self.init(shape, device) { () throws(DeviceError) in try device.store(values) }
    }

    /// One number everywhere.
    public init(repeating value: Float, shape: [Int], device: any Device) {
        self.init(shape, device) { () throws(DeviceError) in
            try device.store(repeating: value, count: shape.reduce(1, *))
        }
    }

    /// Numbers that already lie in memory and never change, such as a mapped weight file; the host's devices use them
    /// where they lie. `owner` keeps the memory.
    public init(
        mapping floats: UnsafePointer<Float>, shape: [Int], owner: any AnyObject & Sendable, device: any Device
    ) {
        self.init(shape, device) { () throws(DeviceError) in
            unsafe try device.store(mapping: floats, count: shape.reduce(1, *), owner: owner)
        }
    }

    private init(_ shape: [Int], _ device: any Device, _ store: () throws(DeviceError) -> Storage) {
        do {
            self.init(storage: try store(), shape: shape)
        } catch {
            self.init(failure: error.during("store \(shape)"), shape: shape, device: device)
        }
    }

    /// Stands for a result that there is not.
    init(failure: DeviceError, shape: [Int], device: any Device) {
        self.init(storage: Storage(count: shape.reduce(1, *), device: device, failure: failure), shape: shape)
    }

    /// Weights that are only held against their files: nothing can be computed with them.
    public static var unloaded: Tensor { Tensor(storage: .unloaded, shape: [0]) }

    /// The numbers, row-major.
    /// - Throws: why there are none: the failure of the operation that began with it, or of reading.
    public func floats() throws(DeviceError) -> [Float] {
        if let failure { throw failure }
        do {
            return try device.floats(of: self)
        } catch {
            throw error.during("read \(shape)")
        }
    }

    /// The same numbers under another shape of the same count.
    public func reshaped(_ shape: [Int]) -> Tensor {
        precondition(shape.reduce(1, *) == count, "reshape: \(self.shape) to \(shape)")
        return Tensor(storage: storage, offset: offset, shape: shape)
    }

    /// A range of the first dimension, in the same memory.
    public func batch(_ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= shape[0], "batch: \(range) of \(shape)")
        let each = count / max(shape[0], 1)
        return Tensor(
            storage: storage, offset: offset + range.lowerBound * each, shape: [range.count] + shape.dropFirst())
    }

    /// Each element of the batch as often as it takes to have `count` of them, `[a, a, b, b]` of `[a, b]`.
    public func repeatingEach(to count: Int) -> Tensor {
        if count == shape[0] { return self }
        precondition(shape[0] > 0 && count % shape[0] == 0, "repeat each: \(shape) to \(count)")
        let times = count / shape[0]
        return Tensor.concatenatingBatches((0..<count).map { batch($0 / times..<$0 / times + 1) })
    }

    /// The parts one after the other along the first dimension; all other dimensions are equal.
    public static func concatenatingBatches(_ parts: [Tensor]) -> Tensor {
        precondition(!parts.isEmpty, "concatenate: no parts")
        let rest = Array(parts[0].shape.dropFirst())
        for part in parts {
            precondition(Array(part.shape.dropFirst()) == rest, "concatenate: \(parts[0].shape) with \(part.shape)")
        }
        if parts.count == 1 { return parts[0] }
        let shape = [parts.reduce(0) { $0 + $1.shape[0] }] + rest
        return parts[0].computed("concatenate \(parts.map(\.shape))", shape, from: parts) {
            device throws(DeviceError) in
            try device.concatenateBatches(parts)
        }
    }
}
