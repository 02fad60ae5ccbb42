// The sizes of a CLIP text encoder: text_encoder/config.json.

import JSON
import Tensors

/// The geometry of a CLIP text encoder; defaults are those of transformers' `CLIPTextConfig`.
public struct TextEncoderConfiguration: Sendable, Hashable {
    /// Rows of the token table.
    public let vocabularySize: Int
    /// Channels of every position.
    public let width: Int
    /// Channels inside the perceptron of a layer.
    public let hiddenWidth: Int
    /// Transformer layers.
    public let layers: Int
    /// Attention heads of a layer.
    public let heads: Int
    /// The most tokens of a prompt, both marks included.
    public let positions: Int
    /// The perceptron's nonlinearity.
    let activation: Activation
    /// Added to the variance in layer normalization.
    let epsilon: Float

    init(_ file: ConfigurationFile) throws(CheckpointError) {
        try file.require("architectures", .list([.text("CLIPTextModel")]))
        try file.require("model_type", .text("clip_text_model"))
        vocabularySize = try file.integer("vocab_size", default: 49408, in: ConfigurationFile.rows)
        width = try file.integer("hidden_size", default: 512, in: ConfigurationFile.channels)
        hiddenWidth = try file.integer("intermediate_size", default: 2048, in: ConfigurationFile.channels)
        layers = try file.integer("num_hidden_layers", default: 12, in: ConfigurationFile.layers)
        heads = try file.integer("num_attention_heads", default: 8, in: ConfigurationFile.channels)
        positions = try file.integer("max_position_embeddings", default: 77, in: ConfigurationFile.rows)
        activation = try file.choice(
            "hidden_act", default: .quickGelu, of: ["quick_gelu": .quickGelu, "gelu": .gelu])
        epsilon = try file.positive("layer_norm_eps", default: 1e-5)
        guard width.isMultiple(of: heads) else {
            throw file.mistake("hidden_size", expected: "a multiple of num_attention_heads (\(heads))")
        }
    }
}
