// Fully connected layers.

public import Tensors

/// `x W^T + b` over the last dimension.
///
/// Also every 1x1 convolution: channels-last, that is the same product, and files may hold its weight in either shape.
public struct Linear: Sendable {
    /// `[out, in]`.
    public let weight: Parameter
    /// `[out]`.
    public let bias: Parameter?

    /// Reads `weight`, stored as `[out, in]` or `[out, in, 1, 1]`, and `bias`.
    public init(_ weights: WeightScope, in inputs: Int, out outputs: Int, bias hasBias: Bool = true) {
        weight = weights.parameter("weight", shape: [outputs, inputs], orStoredAs: [outputs, inputs, 1, 1])
        bias = hasBias ? weights.parameter("bias", shape: [outputs]) : nil
    }

    /// `[..., in]` gives `[..., out]`, with a shortcut of that shape added to it.
    public func callAsFunction(_ x: Tensor, adding shortcut: Tensor? = nil) -> Tensor {
        x.linear(weight.tensor, bias: bias?.tensor, adding: shortcut)
    }

    /// Its numbers as they are now.
    var weights: LinearWeights { LinearWeights(weight: weight.tensor, bias: bias?.tensor) }
}
