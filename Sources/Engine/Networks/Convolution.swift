// Convolution layers over channels-last images.

public import Tensors

/// A two-dimensional convolution (cross-correlation) with a bias.
public struct Convolution: Sendable {
    /// `[out, in, kernel, kernel]`, as checkpoints hold it.
    public let weight: Parameter
    /// `[out]`.
    public let bias: Parameter
    /// Pixels from one output to the next.
    public let stride: Int
    /// Zeros around the image.
    public let padding: Padding

    /// Reads `weight` and `bias`; by default the padding keeps the size of the image at stride 1.
    public init(
        _ weights: WeightScope, in inputs: Int, out outputs: Int, kernel: Int = 3, stride: Int = 1,
        padding: Padding? = nil
    ) {
        weight = weights.parameter("weight", shape: [outputs, inputs, kernel, kernel])
        bias = weights.parameter("bias", shape: [outputs])
        self.stride = stride
        self.padding = padding ?? Padding(kernel / 2)
    }

    /// `[batch, rows, columns, in]` gives `[batch, rows out, columns out, out]`, with a shortcut of that shape added to it, and
    /// `activation` applied last.
    public func callAsFunction(_ x: Tensor, adding shortcut: Tensor? = nil, activation: Activation? = nil) -> Tensor {
        x.convolution(
            weight.tensor, bias: bias.tensor, stride: stride, padding: padding, adding: shortcut,
            activation: activation)
    }
}
