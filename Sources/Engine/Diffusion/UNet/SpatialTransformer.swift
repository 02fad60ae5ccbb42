// Transformers over the positions of an image.

import Networks
import Tensors

/// Self-attention, attention to the text and a gated perceptron, each normalized first and added to its input.
struct TransformerBlock: Sendable {
    let normalization1: LayerNormalization
    let attention: SelfAttention
    let normalization2: LayerNormalization
    let textAttention: CrossAttention
    let normalization3: LayerNormalization
    let perceptron: Perceptron

    init(_ weights: WeightScope, channels: Int, textWidth: Int, heads: Int) {
        normalization1 = LayerNormalization(weights / "norm1", channels: channels)
        attention = SelfAttention(weights / "attn1", channels: channels, heads: heads)
        normalization2 = LayerNormalization(weights / "norm2", channels: channels)
        textAttention = CrossAttention(weights / "attn2", channels: channels, textWidth: textWidth, heads: heads)
        normalization3 = LayerNormalization(weights / "norm3", channels: channels)
        // Values and their gates.
        perceptron = Perceptron(
            expansion: Linear(weights / "ff" / "net" / 0 / "proj", in: channels, out: 8 * channels),
            activation: .gatedGelu, contraction: Linear(weights / "ff" / "net" / 2, in: 4 * channels, out: channels))
    }

    /// `[batch, positions, channels]` to the same shape, or to an image for each text, as all of the U-Net does.
    func callAsFunction(_ x: Tensor, context: TextContext, check: () throws -> Void) rethrows -> Tensor {
        try check()
        // From here on images differ by their texts.
        var hidden = attention(normalization1(x), adding: x).repeatingEach(to: context.count)
        try check()
        hidden = textAttention(normalization2(hidden), context: context, adding: hidden)
        try check()
        return perceptron(normalization3(hidden), adding: hidden)
    }
}

/// Transformer blocks over the positions of an image, added to it (Rombach et al. 2022).
struct SpatialTransformer: Sendable {
    let normalization: GroupNormalization
    let inputProjection: Linear
    let blocks: [TransformerBlock]
    let outputProjection: Linear

    /// - Parameter level: the resolution's place in the configuration's lists.
    init(_ weights: WeightScope, _ configuration: UNetConfiguration, level: Int) {
        let channels = configuration.channels[level]
        normalization = GroupNormalization(
            weights / "norm", groups: configuration.groups, channels: channels, epsilon: 1e-6)
        inputProjection = Linear(weights / "proj_in", in: channels, out: channels)
        blocks = (0..<configuration.transformerLayers[level]).map {
            TransformerBlock(
                weights / "transformer_blocks" / $0, channels: channels, textWidth: configuration.textWidth,
                heads: configuration.heads[level])
        }
        outputProjection = Linear(weights / "proj_out", in: channels, out: channels)
    }

    /// `[batch, rows, columns, channels]` to the same shape, or to an image for each text.
    func callAsFunction(_ x: Tensor, context: TextContext, check: () throws -> Void) rethrows -> Tensor {
        var hidden = inputProjection(normalization(x).reshaped([x.shape[0], x.shape[1] * x.shape[2], x.shape[3]]))
        for block in blocks { hidden = try block(hidden, context: context, check: check) }
        let image = x.repeatingEach(to: context.count)
        return outputProjection(hidden.reshaped(image.shape), adding: image)
    }
}
