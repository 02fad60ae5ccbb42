// From latents to pixels.

import Networks
import Tensors

/// The decoder half of the autoencoder.
struct ImageDecoder: Sendable {
    let inputConvolution: Convolution
    let middle: AutoencoderMiddle
    /// From the coarsest resolution to the finest.
    let levels: [Level]
    let outputNormalization: GroupNormalization
    let outputConvolution: Convolution

    /// Residual blocks at one resolution, then double the size.
    struct Level: Sendable {
        let residuals: [ResidualBlock]
        /// The finest has none.
        let upsampler: Upsampler?
    }

    init(_ weights: WeightScope, _ configuration: AutoencoderConfiguration) {
        let (groups, channels) = (configuration.groups, Array(configuration.channels.reversed()))
        inputConvolution = Convolution(weights / "conv_in", in: configuration.latentChannels, out: channels[0])
        middle = AutoencoderMiddle(weights / "mid_block", channels: channels[0], groups: groups)
        levels = channels.indices.map { index in
            let scope = weights / "up_blocks" / index
            let residuals = (0...configuration.layers).map {
                ResidualBlock(
                    scope / "resnets" / $0, in: $0 == 0 ? channels[max(index - 1, 0)] : channels[index],
                    out: channels[index], groups: groups, epsilon: 1e-6)
            }
            let isFinest = index == channels.count - 1
            return Level(
                residuals: residuals,
                upsampler: isFinest ? nil : Upsampler(scope / "upsamplers" / 0, channels: channels[index]))
        }
        outputNormalization = GroupNormalization(
            weights / "conv_norm_out", groups: groups, channels: configuration.channels[0], epsilon: 1e-6)
        outputConvolution = Convolution(weights / "conv_out", in: configuration.channels[0], out: 3)
    }

    /// `[batch, rows, columns, latentChannels]` gives `[batch, factor rows, factor columns, 3]`.
    ///
    /// - Parameter check: asked between layers.
    func callAsFunction(_ latents: Tensor, check: () throws -> Void) rethrows -> Tensor {
        var hidden = try middle(inputConvolution(latents), check: check)
        for level in levels {
            for residual in level.residuals { hidden = try residual(hidden, check: check) }
            if let upsampler = level.upsampler {
                try check()
                hidden = upsampler(hidden, rows: 2 * hidden.shape[1], columns: 2 * hidden.shape[2])
            }
        }
        try check()
        return outputConvolution(outputNormalization(hidden, activation: .silu))
    }
}
