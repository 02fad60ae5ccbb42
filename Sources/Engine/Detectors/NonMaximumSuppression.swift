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
    ///   - limit: the most that are wanted.
    public static func kept(
        _ boxes: [Box], scores: [Double], labels: [Int]? = nil, threshold: Double, by measure: Measure = .overlap,
        limit: Int = .max
    ) -> [Int] {
        precondition(boxes.count == scores.count && labels.map { $0.count == boxes.count } ?? true, "one score a box")
        let order = boxes.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
        var kept: [Int] = []
        var keptOfLabel: [Int: [Edges]] = [:]
        for index in order {
            if kept.count >= limit { break }
            let edges = Edges(boxes[index])
            let isLeft =
                keptOfLabel[labels?[index] ?? 0]?.allSatisfy { !$0.takesAway(edges, threshold, measure) } ?? true
            guard isLeft else { continue }
            kept.append(index)
            keptOfLabel[labels?[index] ?? 0, default: []].append(edges)
        }
        return kept
    }

    /// A box as comparing needs it: all edges and the area.
    private struct Edges {
        let left: Double, top: Double, right: Double, bottom: Double, area: Double

        init(_ box: Box) {
            (left, top, right, bottom, area) = (box.x, box.y, box.maxX, box.maxY, box.area)
        }

        @inline(__always)
        func takesAway(_ other: Edges, _ threshold: Double, _ measure: Measure) -> Bool {
            let width = min(right, other.right) - max(left, other.left)
            let height = min(bottom, other.bottom) - max(top, other.top)
            var value = 0.0
            if width > 0, height > 0 {
                let shared = width * height
                value = shared / (area + other.area - shared)
            }
            guard case .distance(let beta) = measure else { return value > threshold }
            return value - distance(other, beta) > threshold
        }

        private func distance(_ other: Edges, _ beta: Double) -> Double {
            let across = max(right, other.right) - min(left, other.left)
            let down = max(bottom, other.bottom) - min(top, other.top)
            let diagonal = across * across + down * down
            guard diagonal > 0 else { return 0 }
            let (dx, dy) = (
                (left + right - other.left - other.right) / 2, (top + bottom - other.top - other.bottom) / 2
            )
            return pow((dx * dx + dy * dy) / diagonal, beta)
        }
    }
}
