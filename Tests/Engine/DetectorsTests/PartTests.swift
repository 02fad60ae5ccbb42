// The parts of detectors that networks do not compute, beside torchvision's.

import Foundation
import Layouts
import Pixels
import Processors
import Tensors
import Testing

@testable import Detectors

/// What `Golden/write_parts.py` wrote.
private struct PartGolden: Decodable {
    struct Pixels: Decodable {
        var shorter: Int, longer: Int
        var values: GoldenMap
    }
    struct Regions: Decodable {
        var boxes: [Double]
        var values: [Float]
    }

    var sizes: [[Int]]
    var pixels: [Pixels]
    var regions: Regions
    var anchors: [[Double]]
}

@Suite struct PartTests {
    private let golden: PartGolden
    private let device = CPUDevice(threads: 1)

    init() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden")
        golden = try JSONDecoder().decode(
            PartGolden.self, from: Data(contentsOf: folder.appending(path: "parts.json")))
    }

    @Test func picturesGetTheSizesThatTorchvisionGivesThem() {
        let transform = ImageTransform(shorter: 800, longer: 1333, convention: .torchvision)
        for sizes in golden.sizes {
            let found = transform.size(width: sizes[0], height: sizes[1])
            let padded = [found.width, found.height].map(ImageTransform.padded)
            #expect([found.width, found.height] + padded == Array(sizes[2...]), "\(sizes)")
        }
    }

    @Test func mmdetectionRoundsLengths() {
        let transform = ImageTransform(shorter: 800, longer: 1333, convention: .mmdetection)
        // 427 x 800/427 * 640 = 1199.06; 500 x 375: 1066.67, which torchvision cuts.
        #expect(transform.size(width: 640, height: 427) == (1199, 800))
        #expect(transform.size(width: 500, height: 375) == (1067, 800))
        #expect(transform.size(width: 1000, height: 300) == (1333, 400))
    }

    @Test func picturesAreInterpolatedAsTorchDoes() throws {
        let picture = MadeNumbers.image("transform", 1, width: 53, height: 41, cell: 3)
        for pixels in golden.pixels {
            let transform = ImageTransform(
                shorter: pixels.shorter, longer: pixels.longer, convention: .torchvision)
            try expectAgreement([transform(picture, on: device).pixels], [pixels.values], "pixels")
        }
    }

    /// Colors between two whole numbers become the nearer one, before anything is subtracted.
    @Test func mmdetectionRoundsColors() throws {
        let picture = Image(width: 2, height: 1, pixels: [0, 0, 0, 10, 100, 255])
        let transform = ImageTransform(shorter: 3, longer: 6, convention: .mmdetection)
        let prepared = transform(picture, on: device)
        #expect(prepared.width == 6 && prepared.height == 3 && prepared.pixels.shape == [1, 32, 32, 3])
        let row = try prepared.pixels.floats()
        // Shares of the second pixel: 0, 0, 1/3, 2/3, 1, 1.
        for (column, red) in [0, 0, 3, 7, 10, 10].enumerated() {
            #expect(abs(row[3 * column] - (Float(red) / 255 - 0.485) / 0.229) < 1e-5)
        }
        #expect(row[18..<96].allSatisfy { $0 == 0 }, "the padding")
    }

    @Test func anchorsAreTorchvisions() {
        for (side, expected) in zip([32, 64, 128, 256, 512], golden.anchors) {
            #expect(AnchorGrid.shapes(side: side, ratios: [0.5, 1, 2]) == boxes(ofCorners: expected))
        }
        let grid = AnchorGrid(shapes: AnchorGrid.square(side: 4), across: 8, down: 6, columns: 5)
        #expect(grid[7] == Box(x: 14, y: 4, width: 4, height: 4))
    }

    @Test func regionsAreAlignedAsTorchvisionDoes() throws {
        let maps = (0..<4).map { level in
            let (rows, columns) = (160 >> level, 192 >> level)
            let planes = MadeNumbers.floats("map\(level)", 1, 3 * rows * columns, center: 0, spread: 1)
            let cells = (0..<rows * columns).flatMap { cell in (0..<3).map { planes[$0 * rows * columns + cell] } }
            return Tensor(cells, shape: [1, rows, columns, 3], device: device)
        }
        let boxes = boxes(ofCorners: golden.regions.boxes)
        #expect(Set(boxes.map { RegionAlignment.level(of: $0, levels: 4) }) == [0, 1, 2, 3])
        let aligned = RegionAlignment(boxes, on: maps)
        let found = try aligned.numbers.floats()
        try #require(found.count == golden.regions.values.count)
        let cells = RegionAlignment.side * RegionAlignment.side
        for (index, value) in golden.regions.values.enumerated() {
            let (box, channel, cell) = (index / (3 * cells), index / cells % 3, index % cells)
            #expect(abs(found[(aligned.rows[box] * cells + cell) * 3 + channel] - value) < 1e-5)
        }
    }

    @Test func boxesOfAllSizesHaveAMap() {
        // A box without area lies on the finest map, a huge one on the coarsest.
        #expect(RegionAlignment.level(of: Box(x: 1, y: 1, width: 0, height: 5), levels: 4) == 0)
        #expect(RegionAlignment.level(of: Box(x: 0, y: 0, width: 4000, height: 4000), levels: 4) == 3)
    }

    @Test func theGreatestNumbersAreFoundInOrder() {
        let words = MadeNumbers.words("greatest", 1, 5000)
        // Few values, so that many are equal.
        let numbers = words.map { Float($0 % 700) }
        let sorted = numbers.indices.sorted { numbers[$0] != numbers[$1] ? numbers[$0] > numbers[$1] : $0 < $1 }
        for count in [0, 1, 10, 1000, 4999, 5000, 9000] {
            #expect(numbers.placesOfGreatest(count) == Array(sorted.prefix(count)))
        }
        let rising = (0..<1000).map(Float.init)
        #expect(rising.placesOfGreatest(3) == [999, 998, 997])
    }

    @Test func noMoreBoxesStayThanAreWanted() {
        let boxes = (0..<6).map { Box(x: Double($0) * 20, y: 0, width: 10, height: 10) }
        let scores = [0.1, 0.5, 0.5, 0.9, 0.2, 0.3]
        #expect(NonMaximumSuppression.kept(boxes, scores: scores, threshold: 0.5) == [3, 1, 2, 5, 4, 0])
        #expect(NonMaximumSuppression.kept(boxes, scores: scores, threshold: 0.5, limit: 3) == [3, 1, 2])
        let same = Array(repeating: boxes[0], count: 6)
        #expect(
            NonMaximumSuppression.kept(same, scores: scores, labels: [0, 1, 0, 2, 1, 0], threshold: 0.5) == [3, 1, 2])
    }

    @Test func differencesAreLimited() {
        let box = Box(x: 0, y: 0, width: 16, height: 16)
        // e^100 would not be a number of pixels; 1000/16 is the most.
        let grown = BoxDifferences.proposals.apply([0, 0.5, 100, -100], at: 0, to: box)
        #expect(abs(grown.width - 1000) < 1e-9 && grown.height < 1e-30 && abs(grown.y - 16) < 1e-9)
        let shrunk = BoxDifferences.anchors.apply([0, 0, 0, -100], at: 0, to: box)
        #expect(abs(shrunk.height - 16 * 16 / 1000) < 1e-9 && shrunk.width == 16)
    }

    /// What torch itself writes: a state dict within other things.
    @Test func torchsFilesAreRead() throws {
        let data = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Data/WeightsTests/Golden/wrapped.bin")
        let weights = try StateDict(path: data.path, owner: "a test's network", device: device)
        #expect(try weights.values("weight", [nil, 3]).shape == [2, 3])
        #expect(try weights.tensor("bias", [2]).floats() == [0, 0])
        try weights.finish()
    }

    /// Small variances show which epsilon is added.
    @Test(arguments: [0, 1e-5, 1e-3])
    func batchNormalizationIsFolded(epsilon: Double) throws {
        let variance = 1e-4
        let tensors: [MadeTensor] = [
            MadeTensor(name: "conv.weight", shape: [1, 1, 1, 1], center: 2, spread: 0),
            MadeTensor(name: "bn.weight", shape: [1], center: 3, spread: 0),
            MadeTensor(name: "bn.bias", shape: [1], center: 0.5, spread: 0),
            MadeTensor(name: "bn.running_mean", shape: [1], center: 0.25, spread: 0),
            MadeTensor(name: "bn.running_var", shape: [1], center: Float(variance), spread: 0),
        ]
        try MadeNetwork(seed: 1, image: MadeImage(width: 1, height: 1, cell: 1), tensors: tensors).withWeights { path in
            let weights = try StateDict(path: path, owner: "a test's network", device: device)
            let layer = try ConvolutionLayer(
                weights / "conv", normalizedBy: weights / "bn", epsilon: epsilon, in: 1, kernel: 1)
            try weights.finish()
            let found = try layer(Tensor([1], shape: [1, 1, 1, 1], device: device)).floats()[0]
            let expected = (2 - 0.25) / (variance + epsilon).squareRoot() * 3 + 0.5
            #expect(abs(Double(found) / expected - 1) < 1e-5)
        }
    }

    @Test func boxesWhoseNumbersOverflowedAreLeftOut() {
        var found = ScoredBoxes()
        let endless = Box(x: -.infinity, y: 0, width: .infinity, height: 4).clipped(toWidth: 8, height: 8)
        found.append(endless, score: 0.9, label: 1)
        found.append(Box(x: 1, y: 1, width: 2, height: 2), score: 0.8, label: 2)
        #expect(found.boxes.count == 1 && found.scores == [0.8] && found.labels == [2])
    }
}

private struct MadeNetwork: MadeGolden {
    var seed: Int
    var image: MadeImage
    var tensors: [MadeTensor]
}
