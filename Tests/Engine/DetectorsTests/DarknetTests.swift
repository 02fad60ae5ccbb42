// YOLOv4 beside OpenCV's dnn, from the same .cfg and .weights files.

import Foundation
import Layouts
import Pixels
import Processors
import Tensors
import Testing

@testable import Detectors

/// What `Golden/write_darknet.py` wrote.
private struct DarknetGolden: Decodable {
    struct Head: Decodable {
        var shape: [Int]
        var values: [Float]
    }
    struct Candidate: Decodable {
        var box: [Double]
        var score: Double
        var label: Int
    }

    var width: Int
    var height: Int
    var pixels: [UInt8]
    var heads: [Head]
    var candidates: [Candidate]
    var kept: [Int]
    var overlap: Double
    var threshold: Double

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden").path
    static let cfg = folder + "/darknet.cfg"
    static let weights = folder + "/darknet.weights"

    static func read() throws -> DarknetGolden {
        try JSONDecoder().decode(
            DarknetGolden.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/darknet.json")))
    }

    var image: Image { Image(width: width, height: height, pixels: pixels) }
}

@Suite struct DarknetTests {
    private let golden: DarknetGolden
    private let device = CPUDevice(threads: 1)

    init() throws { golden = try DarknetGolden.read() }

    @Test(arguments: GoldenDevices.places)
    func theHeadsAreThoseOfOpenCV(place: Int) throws {
        let device = GoldenDevices.all[place]
        let network = try DarknetNetwork(
            DarknetConfiguration(path: DarknetGolden.cfg), weights: DarknetGolden.weights, device: device)
        let pixels = golden.pixels.map { Float($0) / 255 }
        let heads = network(Tensor(pixels, shape: [1, golden.height, golden.width, 3], device: device))
        try #require(heads.count == 2 && golden.heads.count == 2)
        for (head, expected) in zip(heads, golden.heads) {
            let (channels, rows, columns) = (expected.shape[1], expected.shape[2], expected.shape[3])
            try #require(head.shape == [1, rows, columns, channels])
            let found = try head.floats()
            let largest = expected.values.map(abs).max() ?? 0
            var worst: Float = 0
            for cell in 0..<rows * columns {
                for channel in 0..<channels {
                    let difference = found[cell * channels + channel] - expected.values[channel * rows * columns + cell]
                    worst = max(worst, abs(difference))
                }
            }
            #expect(worst <= 1e-4 * largest, "\(worst) of \(largest)")
        }
    }

    @Test(arguments: GoldenDevices.places)
    func theBoxesAreThoseOfOpenCV(place: Int) throws {
        let device = GoldenDevices.all[place]
        let detector = try YOLODetector(
            configuration: DarknetGolden.cfg, weights: DarknetGolden.weights, device: device,
            threshold: golden.threshold)
        let found = try detector.detect([golden.image])[0]
        #expect(found.map(\.score) == found.map(\.score).sorted(by: >), "the surest first")
        var expected = golden.kept.map { golden.candidates[$0] }
        #expect(found.count == expected.count)
        let frame = (Double(golden.width), Double(golden.height))
        for box in found {
            let place = expected.firstIndex { candidate in
                let clipped = Box(
                    x: candidate.box[0], y: candidate.box[1], width: candidate.box[2], height: candidate.box[3]
                ).clipped(toWidth: frame.0, height: frame.1)
                let differences = [
                    clipped.x - box.box.x, clipped.y - box.box.y, clipped.maxX - box.box.maxX,
                    clipped.maxY - box.box.maxY,
                ]
                return candidate.label == box.label && abs(candidate.score - box.score) < 1e-4
                    && differences.allSatisfy { abs($0) < 0.1 }
            }
            guard let place else {
                Issue.record("nothing like \(box)")
                continue
            }
            expected.remove(at: place)
        }
        #expect(expected.isEmpty, "not found: \(expected)")
    }

    @Test func boxesAreThinnedOutAsOpenCVDoes() {
        let boxes = golden.candidates.map {
            Box(x: $0.box[0], y: $0.box[1], width: $0.box[2], height: $0.box[3])
        }
        let kept = NonMaximumSuppression.kept(
            boxes, scores: golden.candidates.map(\.score), labels: golden.candidates.map(\.label),
            threshold: golden.overlap)
        #expect(Set(kept) == Set(golden.kept))
    }

    @Test func eachImageOfABatchIsFoundAsIfItWereAlone() throws {
        let detector = try YOLODetector(
            configuration: DarknetGolden.cfg, weights: DarknetGolden.weights, device: device, threshold: 0.1)
        let other = Image(
            width: golden.width, height: golden.height, pixels: golden.pixels.map { 255 - $0 })
        #expect(
            try detector.detect([golden.image, other]) == [
                try detector.detect([golden.image])[0], try detector.detect([other])[0],
            ])
        #expect(try detector.detect([]).isEmpty)
    }

    /// A picture of another size is brought to the network's; its boxes are its own pixels'.
    @Test func boxesAreInPixelsOfTheImageThatWasGiven() throws {
        let detector = try YOLODetector(
            configuration: DarknetGolden.cfg, weights: DarknetGolden.weights, device: device,
            threshold: golden.threshold)
        let small = Image(width: 48, height: 64, fill: Color(red: 90, green: 40, blue: 200))
        for found in try detector.detect([small])[0] {
            #expect(found.box.x >= 0 && found.box.maxX <= 48 && found.box.y >= 0 && found.box.maxY <= 64)
        }
    }
}
