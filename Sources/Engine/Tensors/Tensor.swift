// A dense array of float32 numbers on one device, and what needs no arithmetic: shape, views, copies in and out.

/// A dense, row-major array of float32 numbers on one device.
///
/// A tensor never changes after it was made, so views share memory and copies are free. Activations are channels-last:
/// images `[batch, rows, columns, channels]`, tokens `[batch, positions, channels]`, so going from one to the other is
/// a change of shape. Shapes that do not fit are programming errors and trap, naming the operation and the shapes.
public struct Tensor: Sendable {
    /// The size of each dimension, the slowest first.
    public let shape: [Int]
    /// The memory, shared with views.
    public let storage: Storage
    /// Where this tensor begins in its storage, in numbers.
    public let offset: Int

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
        self.init(storage: device.store(values), shape: shape)
    }

    /// One number everywhere.
    public init(repeating value: Float, shape: [Int], device: any Device) {
        self.init(storage: device.store(repeating: value, count: shape.reduce(1, *)), shape: shape)
    }

    /// Numbers that already lie in memory and never change, such as a mapped weight file; the host's devices use them
    /// where they lie. `owner` keeps the memory.
    public init(
        mapping floats: UnsafePointer<Float>, shape: [Int], owner: any AnyObject & Sendable, device: any Device
    ) {
        let storage = unsafe device.store(mapping: floats, count: shape.reduce(1, *), owner: owner)
        self.init(storage: storage, shape: shape)
    }

    /// The numbers, row-major.
    public func floats() -> [Float] { device.floats(of: self) }

    /// The same numbers under another shape of the same count.
    public func reshaped(_ shape: [Int]) -> Tensor {
        precondition(shape.reduce(1, *) == count, "reshape: \(self.shape) to \(shape)")
        return Tensor(storage: storage, offset: offset, shape: shape)
    }

    /// A range of the first dimension, in the same memory.
    public func samples(_ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= shape[0], "samples: \(range) of \(shape)")
        let each = count / max(shape[0], 1)
        return Tensor(
            storage: storage, offset: offset + range.lowerBound * each, shape: [range.count] + shape.dropFirst())
    }

    /// Each sample as often as it takes to have `count` of them, `[a, a, b, b]` of `[a, b]`.
    public func repeatingSamples(to count: Int) -> Tensor {
        if count == shape[0] { return self }
        precondition(shape[0] > 0 && count % shape[0] == 0, "repeat samples: \(shape) to \(count)")
        let times = count / shape[0]
        return Tensor.concatenatingSamples((0..<count).map { samples($0 / times..<$0 / times + 1) })
    }

    /// The parts one after the other along the first dimension; all other dimensions are equal.
    public static func concatenatingSamples(_ parts: [Tensor]) -> Tensor {
        precondition(!parts.isEmpty, "concatenate: no parts")
        let rest = Array(parts[0].shape.dropFirst())
        for part in parts {
            precondition(Array(part.shape.dropFirst()) == rest, "concatenate: \(parts[0].shape) with \(part.shape)")
        }
        return parts.count == 1 ? parts[0] : parts[0].device.concatenateSamples(parts)
    }
}
