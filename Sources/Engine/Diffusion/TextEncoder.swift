// CLIP's text encoder: a causal transformer over the tokens of a prompt.

import Networks
import Tensors

/// The text encoder of CLIP (Radford et al. 2021), up to its last hidden state, which is what the U-Net attends to.
struct TextEncoder: ParameterizedNetwork {
    /// Files since transformers 5 leave the model's own name out.
    static let naming = WeightNaming(rules: [.init("text_model.", storedAs: "")], ignored: ["position_ids"])

    let tokens: Embedding
    let positions: Embedding
    let layers: [TextEncoderLayer]
    let normalization: LayerNormalization
    let parameters: ParameterList

    init(_ root: WeightScope, _ configuration: TextEncoderConfiguration) {
        let weights = root / "text_model"
        let width = configuration.width
        let embeddings = weights / "embeddings"
        tokens = Embedding(embeddings / "token_embedding", count: configuration.vocabularySize, channels: width)
        positions = Embedding(embeddings / "position_embedding", count: configuration.positions, channels: width)
        layers = (0..<configuration.layers).map {
            TextEncoderLayer(weights / "encoder" / "layers" / $0, configuration)
        }
        normalization = LayerNormalization(
            weights / "final_layer_norm", channels: width, epsilon: configuration.epsilon)
        parameters = root.parameters
    }

    /// Token ids `[batch][positions]`, padded to one length, give `[batch, positions, width]`.
    func callAsFunction(_ identifiers: [[Int]]) -> Tensor {
        let places = identifiers.map { Array($0.indices) }
        var hidden = tokens(identifiers) + positions(places)
        for layer in layers { hidden = layer(hidden) }
        return normalization(hidden)
    }
}

/// Causal self-attention, then a perceptron, each normalized first and added to its input.
struct TextEncoderLayer: Sendable {
    let normalization1: LayerNormalization
    let queries: Linear
    let keys: Linear
    let values: Linear
    let output: Linear
    let heads: Int
    let normalization2: LayerNormalization
    let perceptron: Perceptron

    init(_ weights: WeightScope, _ configuration: TextEncoderConfiguration) {
        let (width, hiddenWidth) = (configuration.width, configuration.hiddenWidth)
        let attention = weights / "self_attn"
        normalization1 = LayerNormalization(
            weights / "layer_norm1", channels: width, epsilon: configuration.epsilon)
        queries = Linear(attention / "q_proj", in: width, out: width)
        keys = Linear(attention / "k_proj", in: width, out: width)
        values = Linear(attention / "v_proj", in: width, out: width)
        output = Linear(attention / "out_proj", in: width, out: width)
        heads = configuration.heads
        normalization2 = LayerNormalization(
            weights / "layer_norm2", channels: width, epsilon: configuration.epsilon)
        perceptron = Perceptron(
            expansion: Linear(weights / "mlp" / "fc1", in: width, out: hiddenWidth),
            activation: .pointwise(configuration.activation),
            contraction: Linear(weights / "mlp" / "fc2", in: hiddenWidth, out: width))
    }

    /// `[batch, positions, width]` to the same shape; a position sees itself and those before it.
    func callAsFunction(_ x: Tensor) -> Tensor {
        let first = normalization1(x)
        let attended = Tensor.attention(
            queries: queries(first), keys: keys(first), values: values(first), heads: heads, isCausal: true)
        let hidden = output(attended, adding: x)
        return perceptron(normalization2(hidden), adding: hidden)
    }
}
