// The autoencoder's one attention layer.

import Networks
import Tensors

/// Attention with one head among all positions of an image, normalized first and added to it.
struct AutoencoderAttention: Sendable {
    let normalization: GroupNormalization
    let queries: Linear
    let keys: Linear
    let values: Linear
    let output: Linear

    init(_ weights: WeightScope, channels: Int, groups: Int) {
        normalization = GroupNormalization(weights / "group_norm", groups: groups, channels: channels, epsilon: 1e-6)
        queries = Linear(weights / "to_q", in: channels, out: channels)
        keys = Linear(weights / "to_k", in: channels, out: channels)
        values = Linear(weights / "to_v", in: channels, out: channels)
        output = Linear(weights / "to_out" / 0, in: channels, out: channels)
    }

    /// `[batch, rows, columns, channels]` to the same shape.
    func callAsFunction(_ x: Tensor) -> Tensor {
        let tokens = normalization(x).reshaped([x.shape[0], x.shape[1] * x.shape[2], x.shape[3]])
        let attended = Tensor.attention(
            queries: queries(tokens), keys: keys(tokens), values: values(tokens), heads: 1)
        return output(attended, adding: x.reshaped(tokens.shape)).reshaped(x.shape)
    }
}

/// A residual block, attention and a residual block at the coarsest resolution.
struct AutoencoderMiddle: Sendable {
    let residual1: ResidualBlock
    let attention: AutoencoderAttention
    let residual2: ResidualBlock

    init(_ weights: WeightScope, channels: Int, groups: Int) {
        let residuals = (0..<2).map {
            ResidualBlock(weights / "resnets" / $0, in: channels, out: channels, groups: groups, epsilon: 1e-6)
        }
        (residual1, residual2) = (residuals[0], residuals[1])
        attention = AutoencoderAttention(weights / "attentions" / 0, channels: channels, groups: groups)
    }

    /// `[batch, rows, columns, channels]` to the same shape.
    func callAsFunction(_ x: Tensor, check: () throws -> Void) rethrows -> Tensor {
        let first = try residual1(x, check: check)
        try check()
        return try residual2(attention(first), check: check)
    }
}
