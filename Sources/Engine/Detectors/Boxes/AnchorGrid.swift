// Anchors: the boxes that networks say differences from.

import Layouts

/// The same boxes around each cell of a map, row after row, those of a cell one after the other.
struct AnchorGrid: Sendable {
    /// Around a cell's corner, `x` and `y` negative.
    let shapes: [Box]
    /// Pixels from one cell to the next.
    let across: Int, down: Int
    /// Cells of a row.
    let columns: Int

    /// Boxes of the same area and several aspect ratios, sides rounded to whole numbers.
    ///
    /// - Parameter ratios: height over width; float32 as in torchvision's `AnchorGenerator`, so that halves are rounded alike.
    static func shapes(side: Int, ratios: [Float]) -> [Box] {
        ratios.map { ratio in
            let root = ratio.squareRoot()
            let right = (1 / root * Float(side) / 2).rounded(.toNearestOrEven)
            let bottom = (root * Float(side) / 2).rounded(.toNearestOrEven)
            return Box(x: Double(-right), y: Double(-bottom), width: Double(2 * right), height: Double(2 * bottom))
        }
    }

    /// A square around each cell's corner.
    static func square(side: Double) -> [Box] { [Box(x: -side / 2, y: -side / 2, width: side, height: side)] }

    /// Anchor `index`: that of shape `index % shapes.count` at cell `index / shapes.count`.
    subscript(index: Int) -> Box {
        let (cell, shape) = index.quotientAndRemainder(dividingBy: shapes.count)
        let (row, column) = cell.quotientAndRemainder(dividingBy: columns)
        var box = shapes[shape]
        box.x += Double(column * across)
        box.y += Double(row * down)
        return box
    }
}
