// What a cell's numbers mean to FCOS and to ATSS.

import Layouts
import Tensors

/// How pictures are prepared, cells chosen and boxes read.
enum DenseMethod: Sendable {
    /// torchvision's FCOS.
    case fcos
    /// mmdetection's ATSS.
    case atss

    /// Pixels from one cell to the next, for each map; also the unit of FCOS's lengths.
    static let strides = [8, 16, 32, 64, 128]
    /// An anchor's side over the stride (Zhang et al. 2020, section 3.3).
    private static let anchor = 8

    var convention: ImageTransform.Convention { self == .fcos ? .torchvision : .mmdetection }

    var rule: DenseHead.Output.Rule { self == .fcos ? .geometricMean : .sureness }

    /// What a map's cells stand for: FCOS's for their corners, ATSS's for anchors around them.
    func cells(of output: DenseHead.Output, stride: Int, rows: Int, columns: Int) -> AnchorGrid {
        let (mapRows, mapColumns) = (output.box.shape[1], output.box.shape[2])
        return switch self {
        case .fcos:
            AnchorGrid(
                shapes: AnchorGrid.square(side: 0), across: columns / mapColumns, down: rows / mapRows,
                columns: mapColumns)
        case .atss:
            AnchorGrid(
                shapes: AnchorGrid.square(side: Double(Self.anchor * stride)), across: stride, down: stride,
                columns: mapColumns)
        }
    }

    /// A cell's box: FCOS's numbers are the lengths to the left, top, right and bottom, ATSS's change the anchor.
    func box(_ numbers: [Float], at start: Int, of cell: Box, stride: Double) -> Box {
        guard self == .fcos else { return BoxDifferences.anchors.apply(numbers, at: start, to: cell) }
        let (left, top) = (Double(numbers[start]) * stride, Double(numbers[start + 1]) * stride)
        let (right, bottom) = (Double(numbers[start + 2]) * stride, Double(numbers[start + 3]) * stride)
        return Box(x: cell.x - left, y: cell.y - top, width: left + right, height: top + bottom)
    }

    /// FCOS's is the geometric mean of how sure the class and how central the cell is, ATSS's the product.
    func score(_ candidate: DenseHead.Output.Candidate) -> Double {
        let product = candidate.sureness * candidate.centerness
        return self == .fcos ? product.squareRoot() : product
    }
}
