// Numbers to compute with.

public import Tensors

/// Numbers of about unit size, the same at each run.
public struct Numbers {
    private var state: UInt64

    /// Begins a sequence.
    public init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    /// The next number, in -2..<2.
    public mutating func next() -> Float {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int32(truncatingIfNeeded: state >> 32)) / Float(1 << 30)
    }

    /// A tensor of the next numbers.
    public mutating func tensor(_ shape: [Int], scale: Float = 1, on device: any Device) -> Tensor {
        Tensor((0..<shape.reduce(1, *)).map { _ in next() * scale }, shape: shape, device: device)
    }
}
