// The denoising network of Stable Diffusion.

import Networks
import Tensors

/// The text-conditional U-Net of latent diffusion (Rombach et al. 2022).
struct UNet: ParameterizedNetwork {
    let timeEmbedding: TimeEmbedding
    let inputConvolution: Convolution
    let downBlocks: [DownBlock]
    let middleBlock: MiddleBlock
    let upBlocks: [UpBlock]
    let outputNormalization: GroupNormalization
    let outputConvolution: Convolution
    let parameters: ParameterList

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
        parameters = weights.parameters
    }

    /// What the layers need of the text encoder's output `[batch, positions, textWidth]`, once for all steps; to be prepared anew
    /// after parameters of theirs were replaced.
    func context(text: Tensor) -> TextContext {
        let transformers =
            downBlocks.flatMap(\.transformers) + [middleBlock.transformer] + upBlocks.flatMap(\.transformers)
        return TextContext(text: text, layers: transformers.flatMap(\.blocks).map(\.textAttention))
    }

    /// Noised latents `[batch, rows, columns, latentChannels]` of any size, a timestep for each and a text for each give the
    /// prediction in the same shape. With several texts for each image, as guidance has, there is a prediction for each
    /// text, `[texts, rows, columns, latentChannels]`; an image's texts follow one another, and what comes before the first
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
        let inputs = [latents, timeEmbedding.waves(timesteps, device: latents.device)] + context.tensors
        // All steps of a batch are one computation, and so are those of the next batch of this size.
        let key = ReplayKey(owner: parameters[0], version: parameters.version, shapes: inputs.map(\.shape))
        let shape = [context.count] + latents.shape[1...2] + [outputConvolution.weight.shape[0]]
        return try Tensor.replaying(key, inputs, shape: shape) { inputs in
            try prediction(
                inputs[0], waves: inputs[1], context: context.replacing(inputs.dropFirst(2)), check: check)
        }
    }

    private func prediction(
        _ latents: Tensor, waves: Tensor, context: TextContext, check: () throws -> Void
    ) rethrows -> Tensor {
        let hidden = try resolution(
            0, inputConvolution(latents), time: timeEmbedding(waves), context: context, check: check)
        try check()
        return outputConvolution(outputNormalization(hidden, activation: .silu))
    }

    /// A resolution's way down, all coarser ones, and its way up. Images go through it together or part by part; their numbers
    /// do not depend on that.
    ///
    /// - Parameters:
    ///   - x: `[batch, rows, columns, channels]`, an image for each latent, or for each text once a block has attended to it.
    ///   - finer: rows and columns of the resolution before, to which the result grows; nil for the first.
    /// - Returns: an image for each text.
    private func resolution(
        _ level: Int, _ x: Tensor, time: Tensor, context: TextContext, finer: (rows: Int, columns: Int)? = nil,
        check: () throws -> Void
    ) rethrows -> Tensor {
        let (rows, columns) = (x.shape[1], x.shape[2])
        let time = time.repeatingEach(to: x.shape[0])
        let parts = BatchPart.parts(
            images: x.shape[0], texts: context.count, positions: rows * columns, on: x.device.facts)
        let descents = try parts.map { part in
            try downBlocks[level](
                x.batch(part.images), time: time.batch(part.images), context: context.texts(part.texts),
                check: check)
        }
        let coarser = Tensor.concatenatingBatches(descents.map(\.result))
        let returning =
            level + 1 < downBlocks.count
            ? try resolution(
                level + 1, coarser, time: time, context: context, finer: (rows, columns), check: check)
            : try middleBlock(coarser, time: time, context: context, check: check)
        return try Tensor.concatenatingBatches(
            zip(parts, descents).map { part, descent in
                try upBlocks[upBlocks.count - 1 - level](
                    returning.batch(part.texts), skips: descent.skips, time: time.batch(part.images),
                    context: context.texts(part.texts), finer: finer, check: check)
            })
    }
}
