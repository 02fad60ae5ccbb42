// How nearly this module's numbers agree with a judge's.

import Layouts
import Tensors
import Testing

@testable import Detectors

/// A network's maps agree to 1e-4 of their greatest number.
func expectAgreement(_ maps: [Tensor], _ expected: [GoldenMap], _ what: String) throws {
    try #require(maps.map(\.shape) == expected.map(\.shape), "\(what)")
    for (level, (map, golden)) in zip(maps, expected).enumerated() {
        let found = try map.floats()
        let channels = map.channels
        var worst: Float = 0
        for (index, value) in golden.values.enumerated() {
            let (cell, channel) = index.quotientAndRemainder(dividingBy: channels)
            worst = max(worst, abs(found[cell * golden.step * channels + channel] - value))
        }
        #expect(
            !golden.values.isEmpty && worst <= 1e-4 * golden.greatest,
            "\(what) \(level): \(worst) of \(golden.greatest)")
    }
}

/// Boxes agree to 0.1 pixel and 1e-4 of the score, in their order.
func expectAgreement(_ found: [FoundBox], _ golden: GoldenFound) throws {
    let expected = boxes(ofCorners: golden.boxes)
    try #require(found.count == expected.count)
    #expect(found.map(\.score) == found.map(\.score).sorted(by: >), "the surest first")
    // Scores that are nearly equal may change places.
    var left = Array(expected.indices)
    for box in found {
        let place = left.firstIndex {
            golden.labels[$0] == box.label && abs(golden.scores[$0] - box.score) < 1e-4 && isNear(expected[$0], box.box)
        }
        if let place { left.remove(at: place) } else { Issue.record("nothing like \(box)") }
    }
    #expect(left.isEmpty, "not found: \(left.map { (expected[$0], golden.labels[$0], golden.scores[$0]) })")
}

/// Whether all four edges lie within 0.1 pixel.
func isNear(_ a: Box, _ b: Box) -> Bool {
    [a.x - b.x, a.y - b.y, a.maxX - b.maxX, a.maxY - b.maxY].allSatisfy { abs($0) < 0.1 }
}

/// The judge's boxes are thinned out to exactly those that the judge kept, in its order.
func expectAgreement(_ golden: GoldenSuppression) {
    let kept = NonMaximumSuppression.kept(
        boxes(ofCorners: golden.boxes), scores: golden.scores, labels: golden.labels, threshold: golden.threshold)
    #expect(kept == golden.kept)
}
