// The text as the U-Net's layers see it.

import Networks
import Tensors

/// Keys and values of the text for each cross-attention layer: the same at every step, so computed once an image.
struct TextContext: Sendable {
    private var projections: [String: (keys: Tensor, values: Tensor)] = [:]
    /// How many texts.
    private(set) var count: Int

    /// - Parameter text: the text encoder's output, `[batch, positions, textWidth]`.
    init(text: Tensor, layers: [CrossAttention]) {
        count = text.shape[0]
        for layer in layers {
            projections[layer.place] = (layer.keys(text), layer.values(text))
        }
    }

    /// The same for some texts.
    func texts(_ range: Range<Int>) -> TextContext {
        var part = self
        part.count = range.count
        part.projections = projections.mapValues { ($0.keys.batch(range), $0.values.batch(range)) }
        return part
    }

    /// Keys and values of the layer at `place`, each `[batch, positions, channels]`.
    subscript(place: String) -> (keys: Tensor, values: Tensor) {
        guard let found = projections[place] else {
            preconditionFailure("the text was prepared by another network than that with \(place)")
        }
        return found
    }
}
