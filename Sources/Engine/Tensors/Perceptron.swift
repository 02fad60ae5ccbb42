// What a perceptron of two layers is made of.

/// A linear layer's numbers: `x W^T + b`.
public struct LinearWeights: Sendable {
    /// `[out, in]`.
    public let weight: Tensor
    /// `[out]`.
    public let bias: Tensor?

    /// A weight `[out, in]` and perhaps a bias `[out]`.
    public init(weight: Tensor, bias: Tensor? = nil) { (self.weight, self.bias) = (weight, bias) }
}

/// What stands between the two layers of a perceptron.
public enum PerceptronActivation: Sendable, Hashable {
    /// Of each number.
    case pointwise(Activation)
    /// The first half of the numbers times the GELU of the second (Shazeer 2020, GEGLU).
    case gatedGelu

    /// Numbers that the first layer gives for each that the second one takes.
    var factor: Int { self == .gatedGelu ? 2 : 1 }

    /// The same as a separate operation, for devices that have no faster way.
    public func apply(to x: Tensor, on device: some Device) throws(DeviceError) -> Tensor {
        switch self {
        case .pointwise(let activation): try device.apply(activation, to: x)
        case .gatedGelu: try device.gatedGelu(x)
        }
    }
}
