// Faster R-CNN beside torchvision, with the same small network of made weights.

import Foundation
import Layouts
import Pixels
import Processors
import Tensors
import Testing

@testable import Detectors

/// What `Golden/write_faster_rcnn.py` wrote.
private struct FasterRCNNGolden: MadeGolden {
    var seed: Int
    var image: MadeImage
    var tensors: [MadeTensor]
    var size: [Int]
    var shorter: Int, longer: Int
    var classes: Int
    var sides: [Int]
    var before: Int, after: Int
    var objectness: [GoldenMap], differences: [GoldenMap]
    var proposals: [Double]
    var scores: [Float], changes: [Float]
    var suppression: GoldenSuppression
    var found: GoldenFound

    func detector(_ path: String, on device: any Device) throws -> FasterRCNNDetector {
        var detector = try FasterRCNNDetector(weights: path, device: device)
        (detector.shorterSide, detector.longerSide, detector.anchorSides) = (shorter, longer, sides)
        (detector.proposalsOfMap, detector.proposals) = (before, after)
        return detector
    }
}

@Suite struct FasterRCNNTests {
    private let golden: FasterRCNNGolden
    private let device = CPUDevice(threads: 2)

    init() throws { golden = try .read("faster_rcnn.json") }

    @Test(arguments: GoldenDevices.places)
    func theProposalNetworkSaysWhatTorchvisionsSays(place: Int) throws {
        let device = GoldenDevices.all[place]
        try golden.withWeights { path in
            let detector = try golden.detector(path, on: device)
            #expect(detector.classes == golden.classes)
            let prepared = detector.transform(golden.picture, on: device)
            #expect([prepared.width, prepared.height] == golden.size)
            let outputs = detector.network.proposals(detector.network.maps(prepared.pixels))
            try expectAgreement(outputs.map(\.objectness), golden.objectness, "objectness")
            try expectAgreement(outputs.map(\.differences), golden.differences, "differences")
        }
    }

    @Test(arguments: GoldenDevices.places)
    func theProposalsAreTorchvisions(place: Int) throws {
        let device = GoldenDevices.all[place]
        try golden.withWeights { path in
            let detector = try golden.detector(path, on: device)
            let prepared = detector.transform(golden.picture, on: device)
            let outputs = detector.network.proposals(detector.network.maps(prepared.pixels))
            let found = try RegionProposals.boxes(outputs, detector.selection, in: prepared)
            let expected = boxes(ofCorners: golden.proposals)
            try #require(found.count == expected.count)
            #expect(zip(found, expected).allSatisfy(isNear))
        }
    }

    /// The second stage over torchvision's own proposals.
    @Test(arguments: GoldenDevices.places)
    func theRegionHeadSaysWhatTorchvisionsSays(place: Int) throws {
        let device = GoldenDevices.all[place]
        try golden.withWeights { path in
            let detector = try golden.detector(path, on: device)
            let maps = detector.network.maps(detector.transform(golden.picture, on: device).pixels)
            let regions = RegionAlignment(boxes(ofCorners: golden.proposals), on: maps.dropLast())
            let numbers = detector.network.head(regions.numbers)
            for (tensor, expected) in [(numbers.scores, golden.scores), (numbers.changes, golden.changes)] {
                let (floats, width) = (try tensor.floats(), tensor.channels)
                let found = regions.rows.flatMap { floats[$0 * width..<($0 + 1) * width] }
                try #require(found.count == expected.count)
                let worst = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
                let greatest = expected.map(abs).max() ?? 0
                #expect(worst <= 1e-4 * greatest, "\(worst) of \(greatest)")
            }
        }
    }

    @Test(arguments: GoldenDevices.places)
    func theBoxesAreTorchvisions(place: Int) throws {
        let device = GoldenDevices.all[place]
        expectAgreement(golden.suppression)
        try golden.withWeights { path in
            try expectAgreement(try golden.detector(path, on: device).detect([golden.picture])[0], golden.found)
        }
    }

    @Test func eachImageIsFoundAsIfItWereAlone() throws {
        try golden.withWeights { path in
            let detector = try golden.detector(path, on: device)
            let other = MadeNumbers.image("other", 1, width: 90, height: 160, cell: 15)
            let together = try detector.detect([golden.picture, other, golden.picture])
            let alone = [try detector.detect([golden.picture])[0], try detector.detect([other])[0]]
            #expect(together == [alone[0], alone[1], alone[0]] && !alone[1].isEmpty && alone[0] != alone[1])
            #expect(try detector.detect([]).isEmpty)
        }
    }

    /// Since version 0.13 torchvision's convolutions of the pyramid and the proposal network stand one or two names deeper.
    @Test func namesFromBeforeTorchvision013AreRead() throws {
        let now = try golden.withWeights { try golden.detector($0, on: device).detect([golden.picture]) }
        let before = try golden.withWeights(changing: { tensors in
            for index in tensors.indices {
                tensors[index].name = tensors[index].name
                    .replacing(#/_blocks\.(\d)\.0\./#) { "_blocks.\($0.1)." }
                    .replacing("rpn.head.conv.0.0.", with: "rpn.head.conv.")
            }
            #expect(!tensors.contains { $0.name.contains(".0.0.") && !$0.name.contains("body") })
        }) { try golden.detector($0, on: device).detect([golden.picture]) }
        #expect(now == before)
    }

    @Test(arguments: [
        ("backbone.body.layer2.1.conv2.weight", [12, 12, 1, 1], "expected [12, 12, 3, 3], found [12, 12, 1, 1]"),
        ("roi_heads.box_head.fc6.weight", [48, 50], "expected [any, 784], found [48, 50]"),
        ("rpn.head.cls_logits.bias", nil, "expected [3], found no such tensor"),
        ("backbone.fpn.inner_blocks.3.0.weight", nil, "expected [16, 80, 1, 1], found no such tensor"),
        ("roi_heads.mask_head.mask_fcn1.weight", [1], "expected only tensors that the network has"),
        ("backbone.body.bn1.running_var", [16], "expected variances above"),
        ("backbone.body.conv1.weight", [8193, 3, 7, 7], "expected at most 8192 where any number is allowed"),
        // Cut in its middle.
        (String(repeating: "a", count: 100_000), [1], "only tensors that the network has"),
    ])
    func anotherNetworksWeightsAreOneLine(_ name: String, _ shape: [Int]?, says: String) throws {
        try golden.withWeights(changing: { tensors in
            tensors.removeAll { $0.name == name }
            guard let shape else { return }
            tensors.append((name, shape, Array(repeating: -1, count: shape.reduce(1, *))))
        }) { path in
            let error = #expect(throws: DetectorError.self) { try golden.detector(path, on: device) }
            let line = error.map { "\($0)" } ?? ""
            #expect(
                line.hasPrefix("\(path): tensor \(name.prefix(100))") && line.contains(says) && line.utf8.count <= 1000
                    && !line.contains("\n"), "\(line)")
        }
    }

    @Test func filesThatAreNoStateDictsAreOneLine() throws {
        let path = FileManager.default.temporaryDirectory.path + "/made-\(UUID().uuidString)"
        func refusal() -> DetectorError? {
            #expect(throws: DetectorError.self) { try FasterRCNNDetector(weights: path, device: device) }
        }
        #expect(refusal()?.code == .file)
        try Data("not weights at all".utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let error = refusal()
        #expect(error?.code == .content && "\(error!)".contains(path))
    }
}
