// Where objects may be: the first of the two stages.

import Layouts
import Tensors

/// A region proposal network (Ren et al. 2015, "Faster R-CNN", section 3.1): for each cell of each map and each anchor, how
/// sure it is of an object there, and how the anchor is to be changed.
struct RegionProposals: Sendable {
    /// Height over width.
    private static let ratios: [Float] = [0.5, 1, 2]
    /// The least side of a proposal, in pixels.
    private static let leastSide = 1e-3

    private let hidden: [ConvolutionLayer]
    private let objectness: ConvolutionLayer
    private let differences: ConvolutionLayer

    /// torchvision's `rpn.head`.
    init(_ place: StateDict, channels: Int) throws(DetectorError) {
        // Before version 0.13 there was one convolution, two names higher.
        let list = place / "conv"
        var hidden: [ConvolutionLayer] = []
        for index in 0..<max(list.count(of: "0.weight"), 1) {
            hidden.append(
                try ConvolutionLayer(list.has("weight") ? list : list / index / 0, in: channels, out: channels))
        }
        self.hidden = hidden
        objectness = try ConvolutionLayer(place / "cls_logits", in: channels, out: Self.ratios.count, kernel: 1)
        differences = try ConvolutionLayer(place / "bbox_pred", in: channels, out: 4 * Self.ratios.count, kernel: 1)
    }

    /// For each map, `[1, rows, columns, anchors]` and `[1, rows, columns, 4 * anchors]`.
    func callAsFunction(_ maps: [Tensor]) -> [(objectness: Tensor, differences: Tensor)] {
        maps.map { map in
            let x = hidden.reduce(map) { $1($0, activation: .relu) }
            return (objectness(x), differences(x))
        }
    }

    /// What to keep of all that the network says.
    struct Selection: Sendable {
        /// Sides of the anchors, one for each map.
        var sides: [Int]
        /// The surest of each map before overlapping ones are taken away, and of all maps together after that.
        var before: Int, after: Int
        var threshold: Double
    }

    /// Boxes in the picture without its padding, the surest first.
    static func boxes(
        _ numbers: [(objectness: Tensor, differences: Tensor)], _ selection: Selection,
        in prepared: ImageTransform.Prepared
    ) throws -> [Box] {
        var found = ScoredBoxes()
        let (rows, columns) = (prepared.pixels.shape[1], prepared.pixels.shape[2])
        for (level, (objectness, differences)) in numbers.enumerated() {
            let (logits, changes) = (try objectness.floats(), try differences.floats())
            let anchors = AnchorGrid(
                shapes: AnchorGrid.shapes(side: selection.sides[level], ratios: ratios),
                across: columns / objectness.shape[2], down: rows / objectness.shape[1], columns: objectness.shape[2])
            for index in logits.placesOfGreatest(selection.before) {
                let box = BoxDifferences.proposals.apply(changes, at: 4 * index, to: anchors[index])
                    .clipped(toWidth: Double(prepared.width), height: Double(prepared.height))
                guard box.width >= leastSide, box.height >= leastSide else { continue }
                // Logits are in the order of their sigmoids, which are nearly equal where they are large.
                found.append(box, score: Double(logits[index]), label: level)
            }
        }
        let kept = NonMaximumSuppression.kept(
            found.boxes, scores: found.scores, labels: found.labels, threshold: selection.threshold,
            limit: selection.after)
        return kept.map { found.boxes[$0] }
    }
}
