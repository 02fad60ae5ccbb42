// COCO's figures beside pycocotools, on random cases and on real data.

import Fixtures
import Foundation
import Layouts
import Testing

@testable import Evaluation

/// What `Tests/Readers/map.py` finds in a case.
private struct Judgement: Decodable {
    var figures: [Double]
    /// Thresholds by recalls, a table for each category in the order of their ids.
    var categories: [[[Double]]]
}

@Suite struct JudgeTests {
    private static let tolerance = 1e-9

    private static func compare(_ report: DetectionReport, _ judgement: Judgement, _ name: String) {
        for (figure, expected) in zip(report.figures.list, judgement.figures) {
            #expect(
                abs(figure.value - expected) <= tolerance, "\(name): \(figure.name) is \(figure.value), not \(expected)"
            )
        }
        #expect(judgement.figures.count == 12 && report.categories.count == judgement.categories.count)
        for (category, expected) in zip(report.categories, judgement.categories) {
            guard category.objects > 0 else {
                #expect(expected.allSatisfy { $0.allSatisfy { $0 == -1 } } && category.precision.isEmpty)
                continue
            }
            let differences = zip(category.precision.joined(), expected.joined()).map { abs($0 - $1) }
            #expect(
                differences.count == 1010 && (differences.max() ?? 1) <= tolerance,
                "\(name): curves of \(category.name) differ by \(differences.max() ?? 1)")
            let mean = expected.joined().reduce(0, +) / 1010
            #expect(abs(category.AP - mean) <= tolerance, "\(name): AP of \(category.name)")
        }
    }

    @Test(.enabled(if: Readers.python != nil, "\(Readers.missing)"))
    func twoHundredRandomCasesAreAsPycocotoolsJudgesThem() async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/map-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let cases = (0..<200).map { RandomCase(seed: 20_261_130 + UInt64($0)) }
        for (index, random) in cases.enumerated() { try random.write(to: "\(folder)/\(1000 + index)") }
        let judgements: [Judgement] = try Readers.run("map.py", folder)
        try #require(judgements.count == cases.count)
        for (index, random) in cases.enumerated() {
            // From the files, so that reading is judged too.
            let report = try await DetectionEvaluation.evaluate(
                try DetectionSet.read(path: "\(folder)/\(1000 + index)/found.json"),
                truth: try AnnotationSet.read(path: "\(folder)/\(1000 + index)/truth.json"), images: random.images)
            Self.compare(report, judgements[index], "case \(index)")
        }
        // The cases are worth something: figures of every kind, and none that is trivial everywhere.
        for figure in 0..<12 {
            let values = Set(judgements.map { $0.figures[figure] })
            #expect(values.count > 50, "figure \(figure) has \(values.count) values")
        }
    }

    @Test(
        .enabled(
            if: Surroundings.coco != nil && Readers.python != nil, "\(Surroundings.cocoMissing); \(Readers.missing)"),
        arguments: [
            (
                "instances_val2014_100img_gts_bbox_area.json", "instances_val2014_fakebbox100_results.json",
                [0.504, 0.697, 0.572], false
            ),
            (
                "instances_val2017_subset.json", "efficientdet_val2017_10img_bbox_results.json", [0.358, 0.533, 0.398],
                true
            ),
        ])
    func realDetectionsAreAsPycocotoolsJudgesThem(
        _ truth: String, _ found: String, known: [Double], isOfSomeImages: Bool
    ) async throws {
        let coco = try #require(Surroundings.coco)
        let folder = FileManager.default.temporaryDirectory.path + "/map-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder + "/real", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder + "/real/truth.json", withDestinationPath: "\(coco)/\(truth)")
        try FileManager.default.createSymbolicLink(
            atPath: folder + "/real/found.json", withDestinationPath: "\(coco)/\(found)")
        let detections = try DetectionSet.read(path: "\(coco)/\(found)")
        let images = isOfSomeImages ? detections.coveredImages.sorted() : nil
        if let images { try JSONEncoder().encode(images).write(to: URL(fileURLWithPath: folder + "/real/images.json")) }
        let judgements: [Judgement] = try Readers.run("map.py", folder)
        let report = try await DetectionEvaluation.evaluate(
            detections, truth: try AnnotationSet.read(path: "\(coco)/\(truth)"), images: images)
        Self.compare(report, judgements[0], found)
        for (figure, expected) in zip(report.figures.list, known) {
            #expect(abs(figure.value - expected) < 0.0005, "\(figure.name) is \(figure.value)")
        }
    }
}
