// What is in a region: the second of the two stages.

import Foundation
import Layouts
import Tensors

/// Two fully connected layers over what RoIAlign gives, then a score for each class and a change of the box for each class
/// (Lin et al. 2017, "Feature Pyramid Networks", section 4.2).
struct RegionHead: Sendable {
    /// The least side of an object, in the network's pixels.
    private static let leastSide = 1e-2

    private let first: LinearWeights, second: LinearWeights
    private let score: LinearWeights, change: LinearWeights

    /// Classes, the background among them.
    var classes: Int { score.weight.shape[0] }

    /// torchvision's `roi_heads`.
    init(_ place: StateDict, channels: Int) throws(DetectorError) {
        let head = place / "box_head"
        first = try Self.channelsLast(head / "fc6", channels: channels)
        let width = first.weight.shape[0]
        second = try Self.linear(head / "fc7", in: width)
        score = try Self.linear(place / "box_predictor" / "cls_score", in: second.weight.shape[0])
        change = try Self.linear(
            place / "box_predictor" / "bbox_pred", in: second.weight.shape[0], out: 4 * score.weight.shape[0])
    }

    /// `[regions, 7, 7, channels]` gives `[regions, classes]` and `[regions, 4 * classes]`.
    func callAsFunction(_ regions: Tensor) -> (scores: Tensor, changes: Tensor) {
        let x = regions.reshaped([regions.shape[0], regions.count / max(regions.shape[0], 1)])
            .perceptron(first, .pointwise(.relu), second).applying(.relu)
        return (x.linear(score.weight, bias: score.bias), x.linear(change.weight, bias: change.bias))
    }

    /// Objects in the picture without its padding, before overlapping ones are taken away; class 0 is the background.
    func objects(
        _ numbers: (scores: Tensor, changes: Tensor), in regions: RegionAlignment, threshold: Double, width: Int,
        height: Int
    ) throws -> ScoredBoxes {
        let (logits, changes) = (try numbers.scores.floats(), try numbers.changes.floats())
        var found = ScoredBoxes()
        for (region, index) in zip(regions.boxes, regions.rows) {
            let row = logits[index * classes..<(index + 1) * classes]
            let greatest = Double(row.max() ?? 0)
            let powers = row.map { exp(Double($0) - greatest) }
            let sum = powers.reduce(0, +)
            for label in 1..<classes where powers[label] / sum > threshold {
                let box = BoxDifferences.regions.apply(changes, at: 4 * (index * classes + label), to: region)
                    .clipped(toWidth: Double(width), height: Double(height))
                guard box.width >= Self.leastSide, box.height >= Self.leastSide else { continue }
                found.append(box, score: powers[label] / sum, label: label)
            }
        }
        return found
    }

    private static func linear(_ place: StateDict, in inputs: Int, out outputs: Int? = nil) throws(DetectorError)
        -> LinearWeights
    {
        let weight = try place.tensor("weight", [outputs, inputs])
        return LinearWeights(weight: weight, bias: try place.tensor("bias", [weight.shape[0]]))
    }

    /// A layer over `[channels, 7, 7]`, as torch flattens it, to be computed over `[7, 7, channels]`.
    private static func channelsLast(_ place: StateDict, channels: Int) throws(DetectorError) -> LinearWeights {
        let cells = RegionAlignment.side * RegionAlignment.side
        let weight = try place.values("weight", [nil, channels * cells])
        let outputs = weight.shape[0]
        var turned = [Float](repeating: 0, count: weight.floats.count)
        for output in 0..<outputs {
            let start = output * channels * cells
            for channel in 0..<channels {
                for cell in 0..<cells {
                    turned[start + cell * channels + channel] = weight.floats[start + channel * cells + cell]
                }
            }
        }
        return LinearWeights(
            weight: Tensor(turned, shape: weight.shape, device: place.device),
            bias: try place.tensor("bias", [outputs]))
    }
}
