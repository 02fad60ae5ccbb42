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
        var places: [Int: Int] = [:]
        var keptOfLabel: [[Edges]] = []
        for index in order {
            if kept.count >= limit { break }
            let label = labels?[index] ?? 0
            let place = places[label] ?? keptOfLabel.count
            if place == keptOfLabel.count {
                places[label] = place
                keptOfLabel.append([])
            }
            let edges = Edges(boxes[index])
            guard !Self.takesAway(keptOfLabel[place], edges, threshold, measure) else { continue }
            kept.append(index)
            keptOfLabel[place].append(edges)
        }
        return kept
    }

    private static func takesAway(_ kept: [Edges], _ edges: Edges, _ threshold: Double, _ measure: Measure) -> Bool {
        guard measure == .overlap, threshold >= 0 else {
            return kept.contains { $0.value(edges, measure) > threshold }
        }
        // Most boxes lie apart; four comparisons at once tell.
        let opposite = edges.opposite
        return kept.contains { all($0.near .< opposite) && $0.value(edges, .overlap) > threshold }
    }

    /// A box as comparing needs it: all edges and the area.
    private struct Edges {
        /// Left, top, and the right and bottom edges' negatives: another box meets this one where each is below its opposite.
        let near: SIMD4<Double>
        let area: Double

        var left: Double { near[0] }
        var top: Double { near[1] }
        var right: Double { -near[2] }
        var bottom: Double { -near[3] }
        var opposite: SIMD4<Double> { SIMD4(right, bottom, -left, -top) }

        init(_ box: Box) {
            near = SIMD4(box.x, box.y, -box.maxX, -box.maxY)
            area = box.area
        }

        func value(_ other: Edges, _ measure: Measure) -> Double {
            let width = min(right, other.right) - max(left, other.left)
            let height = min(bottom, other.bottom) - max(top, other.top)
            var overlap = 0.0
            if width > 0, height > 0 {
                let shared = width * height
                overlap = shared / (area + other.area - shared)
            }
            guard case .distance(let beta) = measure else { return overlap }
            let across = max(right, other.right) - min(left, other.left)
            let down = max(bottom, other.bottom) - min(top, other.top)
            let diagonal = across * across + down * down
            guard diagonal > 0 else { return overlap }
            let (dx, dy) = (
                (left + right - other.left - other.right) / 2, (top + bottom - other.top - other.bottom) / 2
            )
            return overlap - pow((dx * dx + dy * dy) / diagonal, beta)
        }
    }
}
