// The sizes of a denoising U-Net: unet/config.json.

import JSON

/// The geometry of a text-conditional U-Net; defaults are those of diffusers' `UNet2DConditionModel`.
///
/// Lists have one element a resolution, from the finest to the coarsest.
public struct UNetConfiguration: Sendable, Hashable {
    /// Channels of the latents that come in and of the prediction that goes out.
    public let latentChannels: Int
    /// Channels at each resolution.
    public let channels: [Int]
    /// Whether the blocks that go down attend to the text.
    public let attendsGoingDown: [Bool]
    /// Whether the blocks that go up attend to the text; as in the file, from the coarsest to the finest.
    public let attendsGoingUp: [Bool]
    /// Residual blocks going down; going up there is one more.
    public let layers: [Int]
    /// Attention heads.
    public let heads: [Int]
    /// Transformer blocks after a residual block.
    public let transformerLayers: [Int]
    /// Channels of the text encoder's output.
    public let textWidth: Int
    /// Rows of the latents that the model was trained with.
    public let sampleRows: Int
    /// Columns likewise.
    public let sampleColumns: Int
    /// Groups of every group normalization.
    let groups: Int
    /// Added to the variance in the group normalizations outside transformers.
    let epsilon: Float
    /// Whether the time embedding begins with the cosines.
    let beginsWithCosines: Bool
    /// Taken from the number of frequencies in the time embedding's exponent.
    let frequencyShift: Double

    /// Channels of the time embedding after its perceptron.
    var timeWidth: Int { 4 * channels[0] }

    init(_ file: ConfigurationFile) throws(CheckpointError) {
        try Self.refuseOtherModels(file)
        latentChannels = try file.integer("in_channels", default: 4, in: ConfigurationFile.channels)
        channels = try file.integers(
            "block_out_channels", default: [320, 640, 1280, 1280], in: ConfigurationFile.channels)
        let count = channels.count
        attendsGoingDown = try file.choices(
            "down_block_types", default: [true, true, true, false],
            of: ["CrossAttnDownBlock2D": true, "DownBlock2D": false])
        attendsGoingUp = try file.choices(
            "up_block_types", default: [false, true, true, true], of: ["CrossAttnUpBlock2D": true, "UpBlock2D": false])
        layers = try file.integers("layers_per_block", count: count, default: 2, in: ConfigurationFile.layers)
        // The key says head size and has always meant the number of heads (diffusers issue 2011).
        heads = try file.integers("attention_head_dim", count: count, default: 8, in: ConfigurationFile.channels)
        transformerLayers = try file.integers(
            "transformer_layers_per_block", count: count, default: 1, in: ConfigurationFile.layers)
        textWidth = try file.integer("cross_attention_dim", default: 1280, in: ConfigurationFile.channels)
        groups = try file.integer("norm_num_groups", default: 32, in: ConfigurationFile.channels)
        epsilon = try file.positive("norm_eps", default: 1e-5)
        beginsWithCosines = try file.flag("flip_sin_to_cos", default: true)
        frequencyShift = Double(try file.integer("freq_shift", default: 0, in: 0...1))
        let sides = try file.integers("sample_size", count: 2, default: 64, in: ConfigurationFile.sides)
        (sampleRows, sampleColumns) = (sides[0], sides[1])
        try check(file)
    }

    private func check(_ file: ConfigurationFile) throws(CheckpointError) {
        guard attendsGoingDown.count == channels.count else {
            throw file.mistake("down_block_types", expected: "\(channels.count) names, one a block")
        }
        guard attendsGoingUp.count == channels.count else {
            throw file.mistake("up_block_types", expected: "\(channels.count) names, one a block")
        }
        guard try file.integer("out_channels", default: 4, in: ConfigurationFile.channels) == latentChannels else {
            throw file.mistake("out_channels", expected: "as many as in_channels (\(latentChannels))")
        }
        // Layers of layers: what they are together would take hours to list, were the weights of another model.
        let residuals = layers.reduce(0) { $0 + 2 * $1 + 1 }
        let transformers = zip(layers, transformerLayers).reduce(0) { $0 + (2 * $1.0 + 1) * $1.1 }
        guard residuals <= ConfigurationFile.layers.upperBound else {
            throw file.mistake("layers_per_block", expected: "at most \(ConfigurationFile.layers.upperBound) in all")
        }
        guard transformers <= ConfigurationFile.layers.upperBound else {
            throw file.mistake(
                "transformer_layers_per_block", expected: "at most \(ConfigurationFile.layers.upperBound) in all")
        }
        // The frequencies' exponents are multiples of 1 / (channels / 2 - freq_shift).
        guard frequencyShift == 0 || channels[0] > 3 else {
            throw file.mistake("block_out_channels", expected: "at least 4 channels first, with freq_shift 1")
        }
        for (channels, heads) in zip(channels, heads) {
            guard channels.isMultiple(of: groups), channels.isMultiple(of: heads), channels.isMultiple(of: 2) else {
                throw file.mistake(
                    "block_out_channels",
                    expected: "multiples of 2, norm_num_groups (\(groups)) and attention_head_dim (\(heads))")
            }
        }
    }

    /// Other members of the family compute something else with these keys.
    private static func refuseOtherModels(_ file: ConfigurationFile) throws(CheckpointError) {
        try file.require("_class_name", .text("UNet2DConditionModel"))
        for key in [
            "class_embed_type", "num_class_embeds", "addition_embed_type", "encoder_hid_dim", "encoder_hid_dim_type",
            "time_embedding_dim", "time_embedding_act_fn", "timestep_post_act", "time_cond_proj_dim",
            "cross_attention_norm", "num_attention_heads", "reverse_transformer_layers_per_block",
        ] {
            try file.require(key)
        }
        for key in [
            "dual_cross_attention", "only_cross_attention", "mid_block_only_cross_attention", "center_input_sample",
            "resnet_skip_time_act", "class_embeddings_concat",
        ] {
            try file.require(key, .flag(false))
        }
        for key in ["mid_block_scale_factor", "resnet_out_scale_factor", "downsample_padding"] {
            try file.require(key, .number(1))
        }
        for key in ["conv_in_kernel", "conv_out_kernel"] { try file.require(key, .number(3)) }
        try file.require("act_fn", .text("silu"), .text("swish"))
        try file.require("mid_block_type", .text("UNetMidBlock2DCrossAttn"))
        try file.require("resnet_time_scale_shift", .text("default"))
        try file.require("time_embedding_type", .text("positional"))
        try file.require("attention_type", .text("default"))
    }
}
