// What a pyramid's maps say within boxes, brought to one size.

import Foundation
import Layouts
import Tensors

/// RoIAlign over the maps of a feature pyramid: each box is read from the map that suits its size (Lin et al. 2017, "Feature
/// Pyramid Networks", section 4.2), as `torchvision.ops.MultiScaleRoIAlign` does.
struct RegionAlignment: Sendable {
    /// Cells across and down.
    static let side = 7
    /// Points of a cell across and down.
    private static let points = 2
    /// Boxes of this side come from the map at 1/16 (the same paper, equation 1).
    private static let canonicalSide = 224.0

    let boxes: [Box]
    /// The row of each box in `numbers`.
    let rows: [Int]
    /// `[boxes, 7, 7, channels]`, map by map.
    let numbers: Tensor

    /// At least one box, in pixels of the picture; maps `[1, rows, columns, channels]` at 1/4 of its size, 1/8, 1/16, ...
    init(_ boxes: [Box], on maps: [Tensor]) {
        self.boxes = boxes
        var parts: [Tensor] = []
        var rows = [Int](repeating: 0, count: boxes.count)
        var next = 0
        let levels = boxes.map { Self.level(of: $0, levels: maps.count) }
        for (level, map) in maps.enumerated() {
            var corners: [Float] = []
            for (index, box) in boxes.enumerated() where levels[index] == level {
                corners += [box.x, box.y, box.maxX, box.maxY].map(Float.init)
                rows[index] = next
                next += 1
            }
            if corners.isEmpty { continue }
            let sampling = RegionSampling(
                rows: Self.side, columns: Self.side, points: Self.points, scale: 1 / Float(4 << level),
                isAligned: false)
            parts.append(
                map.regions(Tensor(corners, shape: [corners.count / 4, 4], device: map.device), sampling))
        }
        self.rows = rows
        numbers = Tensor.concatenatingBatches(parts)
    }

    /// The map that a box is read from: 0 is the finest.
    static func level(of box: Box, levels: Int) -> Int {
        // Below 0 for a box without area; the finest map then.
        let level = (4 + log2(box.area.squareRoot() / canonicalSide) + 1e-6).rounded(.down)
        return Int(min(max(level, 2), Double(levels + 1))) - 2
    }
}
