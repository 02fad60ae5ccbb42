// From a network's numbers to boxes.

import Foundation
import Layouts

/// How numbers change a box (Girshick et al. 2014, "Rich feature hierarchies", appendix C): the center moves by `dx` widths
/// and `dy` heights, width and height are multiplied by `e^dw` and `e^dh`.
struct BoxDifferences: Sendable {
    /// What `dx` and `dy`, then `dw` and `dh`, are multiplied by first.
    var position: Double, extent: Double
    /// The most that a width or height may grow.
    private static let most = log(1000.0 / 16)
    /// Whether it may not shrink by more than that either (mmdetection).
    var limitsShrinking = false

    /// A region proposal network's.
    static let proposals = BoxDifferences(position: 1, extent: 1)
    /// A region head's (torchvision's weights 10, 10, 5, 5, which divide).
    static let regions = BoxDifferences(position: 0.1, extent: 0.2)
    /// mmdetection's `DeltaXYWHBBoxCoder` with standard deviations 0.1, 0.1, 0.2, 0.2.
    static let anchors = BoxDifferences(position: 0.1, extent: 0.2, limitsShrinking: true)

    /// The box that four numbers, `dx, dy, dw, dh` from `start` on, make of another.
    func apply(_ numbers: [Float], at start: Int, to box: Box) -> Box {
        func factor(_ number: Float) -> Double {
            let grown = min(Double(number) * extent, Self.most)
            return exp(limitsShrinking ? max(grown, -Self.most) : grown)
        }
        let x = box.x + box.width / 2 + Double(numbers[start]) * position * box.width
        let y = box.y + box.height / 2 + Double(numbers[start + 1]) * position * box.height
        let (width, height) = (factor(numbers[start + 2]) * box.width, factor(numbers[start + 3]) * box.height)
        return Box(x: x - width / 2, y: y - height / 2, width: width, height: height)
    }
}
