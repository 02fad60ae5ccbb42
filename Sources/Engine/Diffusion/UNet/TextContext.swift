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

    /// Keys and values of all layers, in an order of their own.
    var tensors: [Tensor] { places.flatMap { [self[$0].keys, self[$0].values] } }

    /// The same with other numbers, in the order of ``tensors``.
    func replacing(_ tensors: ArraySlice<Tensor>) -> TextContext {
        var context = self
        for (index, place) in places.enumerated() {
            let first = tensors.startIndex + 2 * index
            context.projections[place] = (tensors[first], tensors[first + 1])
        }
        return context
    }

    private var places: [String] { projections.keys.sorted() }

    /// Keys and values of the layer at `place`, each `[batch, positions, channels]`.
    subscript(place: String) -> (keys: Tensor, values: Tensor) {
        guard let found = projections[place] else {
            preconditionFailure("the text was prepared by another network than that with \(place)")
        }
        return found
    }
}
