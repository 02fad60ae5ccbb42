// Two fully connected layers with a nonlinearity between them.

public import Tensors

/// `contraction(activation(expansion(x)))` over the last dimension.
public struct Perceptron: Sendable {
    let expansion: Linear
    let activation: PerceptronActivation
    let contraction: Linear

    /// Layers whose widths fit: a gated activation halves what the expansion gives.
    public init(expansion: Linear, activation: PerceptronActivation, contraction: Linear) {
        self.expansion = expansion
        self.activation = activation
        self.contraction = contraction
    }

    /// `[..., in]` gives `[..., out]`, with a shortcut of that shape added to it.
    public func callAsFunction(_ x: Tensor, adding shortcut: Tensor? = nil) -> Tensor {
        x.perceptron(expansion.weights, activation, contraction.weights, adding: shortcut)
    }
}
