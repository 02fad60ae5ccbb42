// Boxes before the overlapping ones are taken away.

import Layouts
import Pixels

/// Boxes with what is known of them, as three lists.
struct ScoredBoxes: Sendable {
    var boxes: [Box] = []
    var scores: [Double] = []
    var labels: [Int] = []

    /// Adds a box, unless a number of the network overflowed on the way to it.
    mutating func append(_ box: Box, score: Double, label: Int) {
        guard box.isValid else { return }
        boxes.append(box)
        scores.append(score)
        labels.append(label)
    }

    /// The surest of each label that do not overlap too much, at most `limit` together, the surest first; brought from a
    /// network's picture to the one that it was made of.
    func found(threshold: Double, limit: Int, in prepared: ImageTransform.Prepared, of image: Image) -> [FoundBox] {
        let kept = NonMaximumSuppression.kept(boxes, scores: scores, labels: labels, threshold: threshold, limit: limit)
        let (across, down) = (
            Double(image.width) / Double(prepared.width), Double(image.height) / Double(prepared.height)
        )
        return kept.map { index in
            FoundBox(
                box: boxes[index].scaled(x: across, y: down)
                    .clipped(toWidth: Double(image.width), height: Double(image.height)),
                label: labels[index], score: scores[index])
        }
    }
}
