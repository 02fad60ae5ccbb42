// What the evaluation refuses, and cases that one can work out by hand.

import Layouts
import Testing

@testable import Evaluation

@Suite struct EvaluationTests {
    private static func truth(_ annotations: [Annotation], images: [Int] = [1]) -> AnnotationSet {
        AnnotationSet(
            images: images.map { AnnotatedImage(id: $0, fileName: "\($0).png", width: 100, height: 100) },
            annotations: annotations, categories: [Layouts.Category(id: 3, name: "cat")])
    }

    private static let box = Box(x: 10, y: 10, width: 40, height: 40)
    private static func object(_ id: Int, _ box: Box = box, isCrowd: Bool = false) -> Annotation {
        Annotation(id: id, imageID: 1, categoryID: 3, box: box, area: box.area, isCrowd: isCrowd)
    }
    private static func found(_ box: Box = box, _ score: Double = 0.9, image: Int = 1) -> Detection {
        Detection(imageID: image, categoryID: 3, box: box, score: score)
    }

    /// Precision is found objects over all detections and the smallest step above 1, so it stays just below 1.
    private static func isOne(_ figure: Double) -> Bool { abs(figure - 1) < 1e-12 }

    @Test func aPerfectDetectorScoresOne() async throws {
        let report = try await DetectionEvaluation.evaluate(
            DetectionSet([Self.found()]), truth: Self.truth([Self.object(1)]))
        #expect(Self.isOne(report.figures.AP) && report.figures.AR1 == 1 && Self.isOne(report.figures.APm))
        #expect(report.figures.APs == -1 && report.figures.ARl == -1)
        #expect(report.categories.map(\.AR100) == [1] && report.objects == 1 && report.detections == 1)
    }

    @Test func anObjectIsFoundOnce() async throws {
        let report = try await DetectionEvaluation.evaluate(
            DetectionSet([Self.found(Self.box, 0.9), Self.found(Self.box, 0.95)]),
            truth: Self.truth([Self.object(1), Self.object(2, Box(x: 60, y: 60, width: 35, height: 35))]))
        // One of two objects: recall 0.5, so 51 of the 101 recalls are reached at precision 1.
        #expect(abs(report.figures.AP - 51.0 / 101) < 1e-12 && report.figures.AR100 == 0.5)
    }

    @Test func crowdsCountNeitherWay() async throws {
        let crowd = Self.object(2, Box(x: 0, y: 0, width: 100, height: 100), isCrowd: true)
        let report = try await DetectionEvaluation.evaluate(
            DetectionSet([Self.found(), Self.found(Box(x: 70, y: 70, width: 20, height: 20), 0.99)]),
            truth: Self.truth([Self.object(1), crowd]))
        #expect(Self.isOne(report.figures.AP) && report.objects == 1)
    }

    @Test func anAnnotationWithTheIDZeroCounts() async throws {
        let report = try await DetectionEvaluation.evaluate(
            DetectionSet([Self.found()]), truth: Self.truth([Self.object(0)]))
        #expect(Self.isOne(report.figures.AP))
    }

    @Test func withoutObjectsThereAreNoFigures() async throws {
        let report = try await DetectionEvaluation.evaluate(DetectionSet([Self.found()]), truth: Self.truth([]))
        #expect(report.figures.list.allSatisfy { $0.value == -1 })
    }

    @Test func onlyTheImagesThatAreMeantCount() async throws {
        let report = try await DetectionEvaluation.evaluate(
            DetectionSet([Self.found(), Self.found(image: 2)]), truth: Self.truth([Self.object(1)], images: [1, 2]),
            images: [1])
        #expect(Self.isOne(report.figures.AP) && report.images == 1 && report.detections == 1)
    }

    @Test func imagesThatTheTruthDoesNotListAreRefused() async throws {
        let truth = Self.truth([Self.object(1)])
        await #expect(throws: EvaluationError.self) {
            try await DetectionEvaluation.evaluate(DetectionSet([Self.found(image: 7)]), truth: truth)
        }
        await #expect(throws: EvaluationError.self) {
            try await DetectionEvaluation.evaluate(DetectionSet([Self.found()]), truth: truth, images: [1, 8])
        }
    }
}
