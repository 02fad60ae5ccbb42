// The quality gate: what counts as found, what is recorded of it, and how its rules are read.

import Foundation
import Testing

@testable import Layouts

@Suite struct QualityGateTests {
    /// Two things and stuff in an image of 100x100 pixels.
    private static func layout(_ first: Attribute, _ second: Attribute) -> Layout {
        func object(_ id: Int, _ box: Box, _ attribute: Attribute) -> LayoutObject {
            LayoutObject(annotationID: id, categoryID: id, category: "c\(id)", box: box, attribute: attribute)
        }
        return Layout(
            imageID: 1, fileName: "1.jpg", width: 100, height: 100,
            objects: [
                object(1, Box(x: 0, y: 0, width: 40, height: 40), first),
                object(2, Box(x: 50, y: 50, width: 40, height: 40), second),
                object(3, Box(x: 0, y: 0, width: 100, height: 100), .background),
            ])
    }

    /// A detection in an image of 200x50 pixels, whose boxes are twice as wide and half as high.
    private static func detection(_ category: Int, x: Double, y: Double, side: Double = 40, score: Double) -> Detection
    {
        Detection(
            imageID: 0, categoryID: category, box: Box(x: 2 * x, y: y / 2, width: 2 * side, height: side / 2),
            score: score)
    }

    private static func found(_ gate: QualityGate, _ detections: [Detection]) -> [DetectedObject?] {
        gate.judge(layout(.easy, .easy), inWidth: 200, height: 50, detections: detections)
    }

    @Test func theBestDetectionIsTheSurestThatOverlapsEnough() {
        let found = Self.found(
            QualityGate(),
            [
                Self.detection(1, x: 0, y: 0, score: 0.6), Self.detection(1, x: 2, y: 0, score: 0.9),
                // Surer, but it overlaps too little.
                Self.detection(1, x: 30, y: 0, score: 0.99),
            ])
        #expect(found.count == 3 && found[1] == nil && found[2] == nil)
        #expect(found[0]?.score == 0.9 && found[0]?.iou == 0.904762)
    }

    @Test func whereNoneOverlapsEnoughItIsTheOneThatOverlapsMost() {
        let found = Self.found(
            QualityGate(),
            [Self.detection(1, x: 30, y: 0, score: 0.9), Self.detection(1, x: 20, y: 0, score: 0.2)])
        #expect(found[0] == DetectedObject(score: 0.2, iou: 1.0 / 3))
        #expect(Self.found(QualityGate(), [Self.detection(1, x: 60, y: 60, score: 1)])[0] == nil)
    }

    @Test func classesCountUnlessTheRulesSayOtherwise() {
        let other = [Self.detection(7, x: 0, y: 0, score: 0.8)]
        #expect(Self.found(QualityGate(), other)[0] == nil)
        #expect(Self.found(QualityGate(sameClass: false), other)[0]?.score == 0.8)
    }

    /// Overlap must be more than the threshold, a score may equal it: equation 2 of the paper.
    @Test func recallCountsEasyObjectsOnly() {
        let gate = QualityGate(minScore: 0.5, minIoU: 0.5)
        let yes = DetectedObject(score: 0.5, iou: 0.500001)
        let (unsure, off) = (DetectedObject(score: 0.499999, iou: 1), DetectedObject(score: 1, iou: 0.5))
        #expect(gate.recall(of: Self.layout(.easy, .easy), found: [yes, unsure, nil]) == 0.5)
        #expect(gate.recall(of: Self.layout(.easy, .easy), found: [yes, off, nil]) == 0.5)
        #expect(gate.recall(of: Self.layout(.easy, .hard), found: [yes, nil, nil]) == 1)
        #expect(gate.recall(of: Self.layout(.easy, .hard), found: [nil, yes, nil]) == 0)
        #expect(gate.recall(of: Self.layout(.hard, .hard), found: [nil, nil, nil]) == 1)
        #expect(gate.recall(of: Self.layout(.easy, .easy), found: [yes, unsure, nil], minScore: 0.4) == 1)
    }

    @Test func aJudgementReadsBackAsItWasWritten() throws {
        let objects = [DetectedObject(score: 0.123_456_7, iou: 1), nil, nil]
        let layout = Self.layout(.easy, .hard)
        let gate = QualityGate(minScore: 0.2)
        let judgement = ImageJudgement(
            gate: gate, layout: layout, retry: 2, seed: 9_007_199_254_740_991, objects: objects)
        #expect(!judgement.isPassed && judgement.recall == 0)
        let text =
            #"{"objects":[{"iou":1,"score":0.123457},null,null],"passed":false,"recall":0,"retry":2,"seed":9007199254740991}"#
        #expect(judgement.encoded() == text)
        #expect(try ImageJudgement(decoding: text, objects: 3) == judgement)
        for (bad, says) in [
            ("", "a JSON object"), ("{}", "\"objects\""),
            (text.replacing("null,null", with: "null"), "3 objects, found 2"),
            (text.replacing("\"score\":0.123457", with: "\"score\":true"), "objects[0].score"),
            (text.replacing("\"seed\":9", with: "\"seed\":-9"), "from 0 up"),
        ] {
            let error = #expect(throws: LayoutError.self) { try ImageJudgement(decoding: bad, objects: 3) }
            #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
        }
    }

    @Test func rulesAreReadFromAFile() throws {
        func read(_ text: String) throws -> QualityGate {
            let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).json").path
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            defer { try? FileManager.default.removeItem(atPath: path) }
            return try QualityGate(file: path)
        }
        #expect(try read("{}") == QualityGate())
        #expect(
            try read(
                #"{"$schema":"s","min_score":0.25,"min_iou":0.6,"same_class":false,"min_recall":0.5,"retries":0,"otherwise":"keep"}"#
            )
                == QualityGate(
                    minScore: 0.25, minIoU: 0.6, sameClass: false, minRecall: 0.5, retries: 0, otherwise: .keep))
        for (text, says) in [
            ("", "a JSON object"), (#"{"retries":21}"#, "0 to 20"), (#"{"retries":1.5}"#, "retries"),
            (#"{"min_recall":0}"#, "above 0"), (#"{"min_score":2}"#, "0 to 1, found '2}'"),
            (#"{"otherwise":"burn"}"#, #""drop", "keep""#), (#"{"min_scor":1}"#, "found 'min_scor'"),
            (#"{"retries":1,"retries":2}"#, "each key once"),
        ] {
            let error = #expect(throws: LayoutError.self, "\(text)") { try read(text) }
            #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
            #expect(error?.description.contains("\n") == false)
        }
    }
}
