// Pixels to latents and back.

import Networks
import Tensors

/// The variational autoencoder of latent diffusion (Rombach et al. 2022).
///
/// Neither direction applies the configuration's `scalingFactor`; that belongs to the U-Net's latents.
struct Autoencoder: ParameterizedNetwork {
    /// Files from before diffusers 0.15 have the attention layers' older names.
    static let naming = WeightNaming(rules: [
        .init(".to_q.", storedAs: ".query."), .init(".to_k.", storedAs: ".key."), .init(".to_v.", storedAs: ".value."),
        .init(".to_out.0.", storedAs: ".proj_attn."),
    ])

    let encoder: ImageEncoder
    /// 1x1: the encoder's output to means and log variances.
    let momentProjection: Linear
    /// 1x1: latents to the decoder's input.
    let latentProjection: Linear
    let decoder: ImageDecoder
    let parameters: ParameterList

    init(_ weights: WeightScope, _ configuration: AutoencoderConfiguration) {
        let channels = configuration.latentChannels
        encoder = ImageEncoder(weights / "encoder", configuration)
        momentProjection = Linear(weights / "quant_conv", in: 2 * channels, out: 2 * channels)
        latentProjection = Linear(weights / "post_quant_conv", in: channels, out: channels)
        decoder = ImageDecoder(weights / "decoder", configuration)
        parameters = weights.parameters
    }

    /// Latents `[batch, rows, columns, latentChannels]` give an image in about -1...1,
    /// `[batch, factor rows, factor columns, 3]`.
    ///
    /// - Parameter check: asked between layers.
    func decode(_ latents: Tensor, check: () throws -> Void) rethrows -> Tensor {
        try decoder(latentProjection(latents), check: check)
    }

    /// An image in -1...1, `[batch, rows, columns, 3]` with sides that are multiples of the factor, gives the normal
    /// distribution of its latents.
    func encode(_ image: Tensor) throws(DeviceError) -> LatentDistribution {
        try LatentDistribution(moments: momentProjection(encoder(image)))
    }
}

/// A normal distribution for every latent of an image.
struct LatentDistribution: Sendable {
    /// `[batch, rows, columns, latentChannels]`.
    let shape: [Int]
    /// In the order of `shape`.
    let mean: [Float]
    /// In the order of `shape`, within -30...20.
    let logVariance: [Float]

    /// - Parameter moments: means, then log variances, along the channels: `[batch, rows, columns, 2 latentChannels]`.
    init(moments: Tensor) throws(DeviceError) {
        let channels = moments.channels / 2
        shape = moments.shape.dropLast() + [channels]
        let numbers = try moments.floats()
        let starts = stride(from: 0, to: numbers.count, by: 2 * channels)
        mean = starts.flatMap { numbers[$0..<$0 + channels] }
        logVariance = starts.flatMap { numbers[$0 + channels..<$0 + 2 * channels].map { min(max($0, -30), 20) } }
    }
}
