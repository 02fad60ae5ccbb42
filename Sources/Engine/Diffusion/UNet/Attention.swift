// Attention of the U-Net: among positions, and from positions to the text.

import Networks
import Tensors

/// Attention among the positions of one image.
struct SelfAttention: Sendable {
    let queries: Linear
    let keys: Linear
    let values: Linear
    let output: Linear
    let heads: Int

    init(_ weights: WeightScope, channels: Int, heads: Int) {
        queries = Linear(weights / "to_q", in: channels, out: channels, bias: false)
        keys = Linear(weights / "to_k", in: channels, out: channels, bias: false)
        values = Linear(weights / "to_v", in: channels, out: channels, bias: false)
        output = Linear(weights / "to_out" / 0, in: channels, out: channels)
        self.heads = heads
    }

    /// `[batch, positions, channels]` to the same shape, with a shortcut added to it.
    func callAsFunction(_ x: Tensor, adding shortcut: Tensor) -> Tensor {
        output(Tensor.attention(queries: queries(x), keys: keys(x), values: values(x), heads: heads), adding: shortcut)
    }
}

/// Attention from the positions of an image to those of its text.
struct CrossAttention: Sendable {
    /// The layer's place in the network, under which ``TextContext`` has its keys and values.
    let place: String
    let queries: Linear
    let keys: Linear
    let values: Linear
    let output: Linear
    let heads: Int

    init(_ weights: WeightScope, channels: Int, textWidth: Int, heads: Int) {
        place = weights.path
        queries = Linear(weights / "to_q", in: channels, out: channels, bias: false)
        keys = Linear(weights / "to_k", in: textWidth, out: channels, bias: false)
        values = Linear(weights / "to_v", in: textWidth, out: channels, bias: false)
        output = Linear(weights / "to_out" / 0, in: channels, out: channels)
        self.heads = heads
    }

    /// `[batch, positions, channels]` to the same shape, with a shortcut added to it.
    func callAsFunction(_ x: Tensor, context: TextContext, adding shortcut: Tensor) -> Tensor {
        let text = context[place]
        let attended = Tensor.attention(queries: queries(x), keys: text.keys, values: text.values, heads: heads)
        return output(attended, adding: shortcut)
    }
}
