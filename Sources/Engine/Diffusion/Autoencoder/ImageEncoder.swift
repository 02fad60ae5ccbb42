// From pixels to the distribution of latents.

import Networks
import Tensors

/// The encoder half of the autoencoder.
struct ImageEncoder: Sendable {
    let inputConvolution: Convolution
    /// From the finest resolution to the coarsest.
    let levels: [Level]
    let middle: AutoencoderMiddle
    let outputNormalization: GroupNormalization
    let outputConvolution: Convolution

    /// Residual blocks at one resolution, then half the size.
    struct Level: Sendable {
        let residuals: [ResidualBlock]
        /// The coarsest has none.
        let downsampler: Downsampler?
    }

    init(_ weights: WeightScope, _ configuration: AutoencoderConfiguration) {
        let (groups, channels) = (configuration.groups, configuration.channels)
        let coarsest = channels.count - 1
        inputConvolution = Convolution(weights / "conv_in", in: 3, out: channels[0])
        levels = channels.indices.map { index in
            let scope = weights / "down_blocks" / index
            let residuals = (0..<configuration.layers).map {
                ResidualBlock(
                    scope / "resnets" / $0, in: $0 == 0 ? channels[max(index - 1, 0)] : channels[index],
                    out: channels[index], groups: groups, epsilon: 1e-6)
            }
            let padding = Padding(top: 0, left: 0, bottom: 1, right: 1)
            return Level(
                residuals: residuals,
                downsampler: index == coarsest
                    ? nil : Downsampler(scope / "downsamplers" / 0, channels: channels[index], padding: padding))
        }
        middle = AutoencoderMiddle(weights / "mid_block", channels: channels[coarsest], groups: groups)
        outputNormalization = GroupNormalization(
            weights / "conv_norm_out", groups: groups, channels: channels[coarsest], epsilon: 1e-6)
        outputConvolution = Convolution(
            weights / "conv_out", in: channels[coarsest], out: 2 * configuration.latentChannels)
    }

    /// `[batch, rows, columns, 3]` gives `[batch, rows / factor, columns / factor, 2 latentChannels]`.
    func callAsFunction(_ image: Tensor) -> Tensor {
        var hidden = inputConvolution(image)
        for level in levels {
            for residual in level.residuals { hidden = residual(hidden, check: {}) }
            hidden = level.downsampler?(hidden) ?? hidden
        }
        return outputConvolution(outputNormalization(middle(hidden, check: {}), activation: .silu))
    }
}
