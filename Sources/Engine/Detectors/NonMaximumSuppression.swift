// Of boxes that lie on one another, only the surest stays.

import Foundation
public import Layouts

/// Greedy non-maximum suppression: the surest box stays, and takes away what overlaps it too much; then the next.
public enum NonMaximumSuppression {
    /// When a box overlaps another too much.
    public enum Measure: Sendable, Hashable {
        /// Intersection over union above the threshold.
        case overlap
        /// Intersection over union, less the distance of the centers over the diagonal around both, squared and to the power
        /// of `beta` (Zheng et al. 2020, "Distance-IoU Loss", equation 12 for `beta` 1; darknet's `diounms`).
        case distance(beta: Double)
    }

    /// The indices of the boxes that stay, the surest first; equal scores keep their order.
    ///
    /// - Parameters:
    ///   - boxes: any boxes; those of negative extent overlap nothing.
    ///   - scores: one for each box.
    ///   - labels: boxes of different labels take nothing from one another; all are of one label where `nil`.
    ///   - threshold: of ``Measure``, 0...1.
    public static func kept(
        _ boxes: [Box], scores: [Double], labels: [Int]? = nil, threshold: Double, by measure: Measure = .overlap
    ) -> [Int] {
        precondition(boxes.count == scores.count && labels.map { $0.count == boxes.count } ?? true, "one score a box")
        let order = boxes.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
        var kept: [Int] = []
        var keptOfLabel: [Int: [Int]] = [:]
        for index in order {
            let label = labels?[index] ?? 0
            let isLeft = keptOfLabel[label, default: []].allSatisfy {
                Self.value(boxes[$0], boxes[index], measure) <= threshold
            }
            guard isLeft else { continue }
            kept.append(index)
            keptOfLabel[label, default: []].append(index)
        }
        return kept
    }

    private static func value(_ a: Box, _ b: Box, _ measure: Measure) -> Double {
        let overlap = a.intersectionOverUnion(b)
        guard case .distance(let beta) = measure else { return overlap }
        let across = max(a.maxX, b.maxX) - min(a.x, b.x)
        let down = max(a.maxY, b.maxY) - min(a.y, b.y)
        let diagonal = across * across + down * down
        guard diagonal > 0 else { return overlap }
        let (dx, dy) = ((a.x + a.maxX - b.x - b.maxX) / 2, (a.y + a.maxY - b.y - b.maxY) / 2)
        return overlap - pow((dx * dx + dy * dy) / diagonal, beta)
    }
}
