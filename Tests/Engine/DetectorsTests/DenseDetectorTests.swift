// FCOS beside torchvision, ATSS beside a plain reference, each with the same small network of made weights.

import Layouts
import Pixels
import Processors
import Tensors
import Testing

@testable import Detectors

/// What `Golden/write_fcos.py` and `Golden/write_atss.py` wrote.
struct DenseGolden: MadeGolden {
    struct Heads: Decodable {
        var classes: [GoldenMap], box: [GoldenMap], centerness: [GoldenMap]
    }

    var seed: Int
    var image: MadeImage
    var tensors: [MadeTensor]
    var size: [Int]
    var shorter: Int, longer: Int
    var classes: Int
    var candidates: Int
    var heads: Heads
    var suppression: GoldenSuppression
    var found: GoldenFound

    /// The golden network as `read` reads it.
    func detector(_ path: String, _ read: DenseReader) throws -> DenseDetector {
        var detector = try read(path)
        (detector.shorterSide, detector.longerSide, detector.candidatesOfMap) = (shorter, longer, candidates)
        return detector
    }
}

/// Makes a detector of a file.
typealias DenseReader = (String) throws -> DenseDetector

@Suite struct DenseDetectorTests {
    private static let device = CPUDevice(threads: 2)
    private let device = Self.device
    private let fcos: DenseReader = { try DenseDetector(fcos: $0, device: Self.device) }
    private let atss: DenseReader = { try DenseDetector(atss: $0, device: Self.device) }

    private func holds(_ read: DenseReader, _ file: String, on device: any Device) throws {
        let golden = try DenseGolden.read(file)
        try golden.withWeights { path in
            let detector = try golden.detector(path, read)
            #expect(detector.classes == golden.classes)
            let prepared = detector.transform(golden.picture, on: device)
            #expect([prepared.width, prepared.height] == golden.size)
            let outputs = detector.network(prepared.pixels)
            try expectAgreement(outputs.map(\.classes), golden.heads.classes, "classes")
            try expectAgreement(outputs.map(\.box), golden.heads.box, "box")
            try expectAgreement(outputs.map(\.centerness), golden.heads.centerness, "centerness")

            let candidates = try detector.candidates(outputs, in: prepared)
            try #require(candidates.boxes.count == golden.suppression.scores.count)
            #expect(zip(candidates.boxes, boxes(ofCorners: golden.suppression.boxes)).allSatisfy(isNear))
            #expect(candidates.labels == golden.suppression.labels)
            expectAgreement(golden.suppression)
            try expectAgreement(try detector.detect([golden.picture])[0], golden.found)
        }
    }

    @Test(arguments: GoldenDevices.places)
    func fcosFindsWhatTorchvisionsFinds(place: Int) throws {
        let device = GoldenDevices.all[place]
        try holds({ try DenseDetector(fcos: $0, device: device) }, "fcos.json", on: device)
    }

    @Test(arguments: GoldenDevices.places)
    func atssFindsWhatTheReferenceFinds(place: Int) throws {
        let device = GoldenDevices.all[place]
        try holds({ try DenseDetector(atss: $0, device: device) }, "atss.json", on: device)
    }

    private func isAlone(_ read: DenseReader, _ file: String) throws {
        let golden = try DenseGolden.read(file)
        try golden.withWeights { path in
            let detector = try golden.detector(path, read)
            let other = MadeNumbers.image("other", 1, width: 90, height: 160, cell: 15)
            let together = try detector.detect([golden.picture, other])
            let alone = [try detector.detect([golden.picture])[0], try detector.detect([other])[0]]
            #expect(together == alone && !alone[1].isEmpty && alone[0] != alone[1])
        }
    }

    @Test func eachImageIsFoundAsIfItWereAlone() throws {
        try isAlone(fcos, "fcos.json")
        try isAlone(atss, "atss.json")
    }

    @Test func oneKindsWeightsAreNotTheOthers() throws {
        let golden = try DenseGolden.read("fcos.json")
        try golden.withWeights { path in
            let error = #expect(throws: DetectorError.self) { try atss(path) }
            #expect("\(error!)".contains("tensor backbone.conv1.weight: expected [any, 3, 7, 7], found no such tensor"))
            #expect("\(error!)".hasSuffix("give the state dict of mmdetection's atss_r50_fpn"))
        }
    }

    /// Counters of training are no weights; torch saves them with batch normalization.
    @Test func countersAreLeftAlone() throws {
        let golden = try DenseGolden.read("atss.json")
        try golden.withWeights(changing: { $0.append(("backbone.bn1.num_batches_tracked", [], [7])) }) { path in
            let detector = try golden.detector(path, atss)
            #expect(detector.classes == golden.classes)
        }
    }
}
