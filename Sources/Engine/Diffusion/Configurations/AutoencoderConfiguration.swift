// The sizes of the image autoencoder: vae/config.json.

import JSON

/// The geometry of a variational autoencoder for images; defaults are those of diffusers' `AutoencoderKL`.
public struct AutoencoderConfiguration: Sendable, Hashable {
    /// Channels of the latents.
    public let latentChannels: Int
    /// Channels at each resolution, from the finest to the coarsest.
    public let channels: [Int]
    /// Residual blocks at each resolution when encoding; when decoding there is one more.
    public let layers: Int
    /// What the encoder's latents are multiplied by before the U-Net sees them.
    public let scalingFactor: Float
    /// Groups of every group normalization.
    let groups: Int

    /// Pixels on a side for one latent.
    public var factor: Int { 1 << (channels.count - 1) }

    init(_ file: ConfigurationFile) throws(CheckpointError) {
        try Self.refuseOtherModels(file)
        latentChannels = try file.integer("latent_channels", default: 4, in: ConfigurationFile.channels)
        channels = try file.integers("block_out_channels", default: [64], in: ConfigurationFile.channels)
        layers = try file.integer("layers_per_block", default: 1, in: ConfigurationFile.layers)
        scalingFactor = try file.positive("scaling_factor", default: 0.18215)
        groups = try file.integer("norm_num_groups", default: 32, in: ConfigurationFile.channels)
        for (key, name) in [("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D")] {
            guard try file.choices(key, default: [()], of: [name: ()]).count == channels.count else {
                throw file.mistake(key, expected: "\(channels.count) names, one a block")
            }
        }
        guard channels.allSatisfy({ $0.isMultiple(of: groups) }) else {
            throw file.mistake("block_out_channels", expected: "multiples of norm_num_groups (\(groups))")
        }
    }

    private static func refuseOtherModels(_ file: ConfigurationFile) throws(CheckpointError) {
        try file.require("_class_name", .text("AutoencoderKL"))
        for key in ["in_channels", "out_channels"] { try file.require(key, .number(3)) }
        for key in ["shift_factor", "latents_mean", "latents_std"] { try file.require(key) }
        for key in ["use_quant_conv", "use_post_quant_conv", "mid_block_add_attention"] {
            try file.require(key, .flag(true))
        }
        try file.require("act_fn", .text("silu"), .text("swish"))
    }
}
