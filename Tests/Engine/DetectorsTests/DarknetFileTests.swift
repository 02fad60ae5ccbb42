// Darknet files that are none, or that do not belong together: one line each, with the place.

import Foundation
import Layouts
import Pixels
import Processors
import Tensors
import Testing

@testable import Detectors

@Suite struct DarknetFileTests {
    private static let head = "[net]\nwidth=32\nheight=32\n"
    private static let yolo = "[yolo]\nanchors=4,5\nnum=1\nclasses=1\n"

    private static func read(_ text: String) throws(DetectorError) -> DarknetConfiguration {
        try DarknetConfiguration(DarknetSection.sections(text, path: "a.cfg"), path: "a.cfg")
    }

    @Test func sizesFollowFromLayerToLayer() throws {
        let read = try Self.read(
            Self.head + "[convolutional] # first\nfilters=4\nsize=3\nstride=2\npad=1\nactivation=mish\n"
                + "[maxpool]\nsize=2\nstride=2\n[convolutional]\nfilters=6\nactivation=linear\n" + Self.yolo)
        #expect(read.shapes.map(\.rows) == [16, 8, 8, 8] && read.shapes.map(\.channels) == [4, 4, 6, 6])
        // The picture, and the first layer's outputs until the second has read them; later there is less.
        #expect(read.numbersAtOnce == 32 * 32 * 3 + 16 * 16 * 4 + 8 * 8 * 4)
        #expect(read.parameters == 4 + 4 * 27 + 6 + 6 * 4 && read.classes == 1)
    }

    @Test(arguments: [
        ("", "begins with [net]"), ("[net]\nwidth=32", "height="), ("width=32", "line 1"),
        (head + "[lstm]\n" + yolo, "line 4, [lstm]"),
        (head + "[convolutional]\nfilters=x\n" + yolo, "line 5"),
        (head + "[convolutional]\nfilters=6\nactivation=swish\n" + yolo, "line 6"),
        (head + "[convolutional]\nfilters=7\nactivation=linear\n" + yolo, "expected 6 channels"),
        (head + "[route]\nlayers=-1\n" + yolo, "expected layers before this one"),
        (head + "[convolutional]\nfilters=6\nsize=3\n[shortcut]\nfrom=5\n", "expected layers before this one"),
        (head + "[convolutional]\nfilters=6\nactivation=linear\n", "expected [yolo] layers"),
        (head + "[convolutional]\nfilters=6\nactivation=linear\n[yolo]\nanchors=1,2,3\nnum=2\nclasses=1", "anchors"),
        (head + "[convolutional]\nfilters=6\nactivation=linear\n" + yolo + "new_coords=1", "new_coords"),
        (head + "[convolutional]\nfilters=6\nsize=31\npad=0\n[convolutional]\nsize=9\n", "sizes that fit"),
        (head + "[convolutional]\nfilters=6\nsize=31\npad=0\n[convolutional]\nsize=3\nstride=2\n", "sizes that fit"),
        // Larger than any network, and small as a file.
        (
            head + String(repeating: "[convolutional]\nfilters=1\n", count: 2048),
            "expected at most 2048 layers, found 2048"
        ),
        (
            head + "[convolutional]\nfilters=65536\n[convolutional]\nsize=31\npad=1\n",
            "line 6, [convolutional]: expected a window"
        ),
        (
            head + "[convolutional]\nfilters=65536\n[convolutional]\nfilters=65536\n" + yolo,
            "[yolo]: expected 6 channels"
        ),
        (
            head + "[convolutional]\nfilters=65536\n[convolutional]\nfilters=65536\n[convolutional]\nfilters=6\n"
                + yolo,
            "expected convolutions of at most 1073741824 numbers together, found 4295688198"
        ),
        (
            "[net]\nwidth=4096\nheight=4096\n[convolutional]\nfilters=64\n[convolutional]\nfilters=6\n" + yolo,
            "expected layers that hold at most 1073741824 numbers at once, found 1224736768 for 4096x4096 pixels"
        ),
        (
            head + "[convolutional]\nfilters=6\n"
                + String(repeating: "[upsample]\nstride=16\n", count: 2) + "[upsample]\nstride=2\n" + yolo,
            "expected layers that hold at most"
        ),
        (head + "[upsample]\nstride=16\n[upsample]\nstride=16\n[upsample]\nstride=16\n" + yolo, "sizes that fit"),
        (
            head + "[convolutional]\n[route]\nlayers=" + Array(repeating: "-1", count: 65).joined(separator: ",") + "\n"
                + yolo,
            "line 5, [route]: expected at most 64 layers, found 65"
        ),
        (head + "[convolutional]\nfilters=6\nsize=31\n[maxpool]\nsize=3\nstride=2\npadding=0\n", "sizes that fit"),
    ])
    func whatIsNoDetectorIsOneLine(_ text: String, says: String) throws {
        let error = #expect(throws: DetectorError.self) { try Self.read(text) }
        let line = error.map { "\($0)" } ?? ""
        #expect(line.contains(says) && line.hasPrefix("a.cfg") && !line.contains("\n"), "\(line)")
    }

    @Test func weightsOfAnotherNetworkAreRefused() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/darknet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let configuration = try Self.read(
            Self.head + "[convolutional]\nfilters=6\nactivation=linear\n" + Self.yolo)
        func refusal(_ bytes: [UInt8]) throws -> String {
            try Data(bytes).write(to: URL(fileURLWithPath: folder + "/w"))
            let error = #expect(throws: DetectorError.self) {
                try DarknetNetwork(configuration, weights: folder + "/w", device: CPUDevice(threads: 1))
            }
            return error.map { "\($0)" } ?? ""
        }
        #expect(try refusal([]).contains("found 0 bytes"))
        #expect(try refusal(Array(repeating: 0, count: 40)).contains("expected 112 bytes"))
        #expect(try refusal(Array(repeating: 0xFF, count: 112)).contains("finite"))
        let missing = #expect(throws: DetectorError.self) {
            try DarknetNetwork(configuration, weights: folder + "/none", device: CPUDevice(threads: 1))
        }
        #expect(missing?.code == .file)
    }

    @Test func picturesAreBroughtToSizeAsDarknetDoes() {
        let image = Image(width: 2, height: 2, pixels: [0, 0, 0, 255, 0, 0, 0, 255, 0, 255, 255, 0])
        let resized = DarknetResize.floats(of: image, width: 3, height: 3)
        // The corners stay; the middle is the mean of all four.
        #expect(Array(resized[0..<3]) == [0, 0, 0] && Array(resized[24..<27]) == [1, 1, 0])
        #expect(Array(resized[12..<15]) == [0.5, 0.5, 0])
        #expect(DarknetResize.floats(of: image, width: 2, height: 2) == image.pixels.map { Float($0) / 255 })
    }

    @Test func centersThatAreFarApartMayOverlapMore() {
        let boxes = [(0.0, 0.0), (3.0, 0.0)].map { Box(x: $0.0, y: $0.1, width: 10, height: 10) }
        // IoU 7/13 = 0.538; less (9 / (169 + 100))^0.6 = 0.130.
        func kept(_ measure: NonMaximumSuppression.Measure, _ threshold: Double) -> Int {
            NonMaximumSuppression.kept(boxes, scores: [0.5, 0.9], threshold: threshold, by: measure).count
        }
        #expect(kept(.overlap, 0.5) == 1 && kept(.overlap, 0.55) == 2)
        #expect(kept(.distance(beta: 0.6), 0.5) == 2 && kept(.distance(beta: 0.6), 0.4) == 1)
    }
}
