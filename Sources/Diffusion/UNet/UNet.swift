// The denoising network of Stable Diffusion.

import Networks
import Tensors

/// The text-conditional U-Net of latent diffusion (Rombach et al. 2022).
struct UNet: Sendable {
    let timeEmbedding: TimeEmbedding
    let inputConvolution: Convolution
    let downBlocks: [DownBlock]
    let middleBlock: MiddleBlock
    let upBlocks: [UpBlock]
    let outputNormalization: GroupNormalization
    let outputConvolution: Convolution

    init(_ weights: WeightScope, _ configuration: UNetConfiguration) {
        let channels = configuration.channels
        timeEmbedding = TimeEmbedding(weights / "time_embedding", configuration)
        inputConvolution = Convolution(weights / "conv_in", in: configuration.latentChannels, out: channels[0])
        downBlocks = channels.indices.map { DownBlock(weights / "down_blocks" / $0, configuration, level: $0) }
        middleBlock = MiddleBlock(weights / "mid_block", configuration)
        upBlocks = channels.indices.map { UpBlock(weights / "up_blocks" / $0, configuration, index: $0) }
        outputNormalization = GroupNormalization(
            weights / "conv_norm_out", groups: configuration.groups, channels: channels[0],
            epsilon: configuration.epsilon)
        outputConvolution = Convolution(weights / "conv_out", in: channels[0], out: configuration.latentChannels)
    }

    /// What the layers need of the text encoder's output `[batch, positions, textWidth]`, once for all steps.
    func context(text: Tensor) -> TextContext {
        let transformers =
            downBlocks.flatMap(\.transformers) + [middleBlock.transformer] + upBlocks.flatMap(\.transformers)
        return TextContext(text: text, layers: transformers.flatMap(\.blocks).map(\.textAttention))
    }

    /// Noised latents `[batch, rows, columns, latentChannels]` of any size, a timestep for each and a text for each give the
    /// prediction in the same shape. With several texts for each sample, as guidance has, there is a prediction for each
    /// text, `[texts, rows, columns, latentChannels]`; a sample's texts follow one another, and what comes before the first
    /// attention to them is computed once.
    ///
    /// - Parameter check: asked between layers, since a pass of a large batch takes minutes.
    func callAsFunction(
        _ latents: Tensor, timesteps: [Int], context: TextContext, check: () throws -> Void
    ) rethrows -> Tensor {
        let count = latents.shape[0]
        precondition(
            count > 0 && timesteps.count == count && context.count >= count && context.count % count == 0,
            "U-Net: latents \(latents.shape) with \(timesteps.count) timesteps and \(context.count) texts")
        let time = timeEmbedding(timesteps, device: latents.device)
        var hidden = inputConvolution(latents)
        var skips = [hidden]
        for block in downBlocks {
            hidden = try block(hidden, time: time, context: context, skips: &skips, check: check)
        }
        hidden = try middleBlock(hidden, time: time, context: context, check: check)
        for block in upBlocks {
            hidden = try block(hidden, time: time, context: context, skips: &skips, check: check)
        }
        try check()
        return outputConvolution(outputNormalization(hidden, activation: .silu))
    }
}
