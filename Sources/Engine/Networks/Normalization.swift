// Normalization layers with learned scale and shift.

public import Tensors

/// Group normalization (Wu and He 2018): mean 0 and variance 1 over the channels of a group and all positions of an
/// image, then scale and shift per channel.
public struct GroupNormalization: Sendable {
    /// Groups of neighboring channels.
    public let groups: Int
    /// Added to the variance.
    public let epsilon: Float
    /// `[channels]`.
    public let scale: Parameter
    /// `[channels]`.
    public let shift: Parameter

    /// Reads `weight` and `bias`.
    public init(_ weights: WeightScope, groups: Int, channels: Int, epsilon: Float) {
        self.groups = groups
        self.epsilon = epsilon
        scale = weights.parameter("weight", shape: [channels])
        shift = weights.parameter("bias", shape: [channels])
    }

    /// `[batch, ..., channels]` to the same shape, with `activation` applied last.
    public func callAsFunction(_ x: Tensor, activation: Activation? = nil) -> Tensor {
        x.groupNormalization(
            groups: groups, scale: scale.tensor, shift: shift.tensor, epsilon: epsilon, activation: activation)
    }
}

/// Layer normalization (Ba et al. 2016): mean 0 and variance 1 over the channels of a position, then scale and shift.
public struct LayerNormalization: Sendable {
    /// Added to the variance.
    public let epsilon: Float
    /// `[channels]`.
    public let scale: Parameter
    /// `[channels]`.
    public let shift: Parameter

    /// Reads `weight` and `bias`.
    public init(_ weights: WeightScope, channels: Int, epsilon: Float = 1e-5) {
        self.epsilon = epsilon
        scale = weights.parameter("weight", shape: [channels])
        shift = weights.parameter("bias", shape: [channels])
    }

    /// `[..., channels]` to the same shape.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        x.layerNormalization(scale: scale.tensor, shift: shift.tensor, epsilon: epsilon)
    }
}
