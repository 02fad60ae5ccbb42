// Reading boxes off a grid.

import Foundation
import Layouts

extension DarknetHead {
    /// A box of one cell and anchor, in shares of the image, and how sure the head is of each class.
    struct Candidate: Sendable {
        var box: Box
        /// Objectness times the class's own number, for the classes above the threshold.
        var scores: [(label: Int, score: Double)]
    }

    /// Boxes whose objectness, and the product of objectness and class, lie above `threshold` (darknet's
    /// `get_yolo_detections`): `x = (column + s sigmoid(tx) - (s - 1) / 2) / columns`, `w = anchor e^tw / width`.
    ///
    /// - Parameters:
    ///   - numbers: `[rows, columns, anchors, 5 + classes]`, as the network gives them.
    ///   - width: pixels across of the network's input.
    ///   - height: pixels down.
    func candidates(
        _ numbers: ArraySlice<Float>, rows: Int, columns: Int, width: Int, height: Int, threshold: Double
    ) -> [Candidate] {
        let each = 5 + classes
        precondition(numbers.count == rows * columns * anchors.count * each, "one row of numbers for each anchor")
        // Most cells hold nothing, and their numbers are not looked at any further.
        let least = threshold > 0 && threshold < 1 ? Float(log(threshold / (1 - threshold))) - 0.01 : -.infinity
        var found: [Candidate] = []
        for cell in 0..<rows * columns {
            for (index, anchor) in anchors.enumerated() {
                let start = numbers.startIndex + (cell * anchors.count + index) * each
                guard numbers[start + 4] >= least else { continue }
                let objectness = Self.sigmoid(numbers[start + 4])
                guard objectness > threshold else { continue }
                var scores: [(label: Int, score: Double)] = []
                for label in 0..<classes {
                    let score = objectness * Self.sigmoid(numbers[start + 5 + label])
                    if score > threshold { scores.append((label, score)) }
                }
                guard !scores.isEmpty else { continue }
                let x = (Double(cell % columns) + center(numbers[start])) / Double(columns)
                let y = (Double(cell / columns) + center(numbers[start + 1])) / Double(rows)
                let boxWidth = anchor[0] * exp(Double(numbers[start + 2])) / Double(width)
                let boxHeight = anchor[1] * exp(Double(numbers[start + 3])) / Double(height)
                found.append(
                    Candidate(
                        box: Box(x: x - boxWidth / 2, y: y - boxHeight / 2, width: boxWidth, height: boxHeight),
                        scores: scores))
            }
        }
        return found
    }

    /// Where a center lies in its cell.
    private func center(_ number: Float) -> Double { scale * Self.sigmoid(number) - (scale - 1) / 2 }

    private static func sigmoid(_ number: Float) -> Double { 1 / (1 + exp(-Double(number))) }
}
