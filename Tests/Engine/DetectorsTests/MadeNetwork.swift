// Small networks of made weights, the same ones that the golden scripts computed with.

import Foundation
import Layouts
import Pixels
import Testing
import Weights

@testable import Detectors

/// Numbers that a name and a seed give; Golden/made.py has the same in Python.
enum MadeNumbers {
    private static func start(_ name: String, _ seed: Int) -> UInt64 {
        "\(name)#\(seed)".utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// SplitMix64 (Steele, Lea and Flood 2014) from the name's FNV-1a and the seed on.
    static func words(_ name: String, _ seed: Int, _ count: Int) -> [UInt64] {
        var state = start(name, seed)
        return (0..<count).map { _ in
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    /// `center` +- `spread`, uniform.
    static func floats(_ name: String, _ seed: Int, _ count: Int, center: Float, spread: Float) -> [Float] {
        words(name, seed, count).map { center + spread * (Float($0 >> 40) / Float(1 << 24) * 2 - 1) }
    }

    /// Squares of `cell` pixels of one color each.
    static func image(_ name: String, _ seed: Int, width: Int, height: Int, cell: Int) -> Image {
        let (rows, columns) = ((height + cell - 1) / cell, (width + cell - 1) / cell)
        let colors = words(name, seed, rows * columns * 3).map { UInt8($0 >> 56) }
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                let place = 3 * (y / cell * columns + x / cell)
                pixels += colors[place..<place + 3]
            }
        }
        return Image(width: width, height: height, pixels: pixels)
    }
}

/// What all golden files of detectors from state dicts have.
protocol MadeGolden: Decodable {
    var seed: Int { get }
    var image: MadeImage { get }
    var tensors: [MadeTensor] { get }
}

struct MadeImage: Decodable {
    var width: Int, height: Int, cell: Int
}

struct MadeTensor: Decodable {
    var name: String
    var shape: [Int]
    var center: Float, spread: Float
}

/// Every so many cells of a map, channels last.
struct GoldenMap: Decodable {
    var shape: [Int]
    var step: Int
    var greatest: Float
    var values: [Float]
}

struct GoldenSuppression: Decodable {
    var boxes: [Double]
    var scores: [Double]
    var labels: [Int]
    var threshold: Double
    var kept: [Int]
}

struct GoldenFound: Decodable {
    var boxes: [Double]
    var scores: [Double]
    var labels: [Int]
}

/// Corners, four numbers a box, as boxes.
func boxes(ofCorners numbers: [Double]) -> [Box] {
    stride(from: 0, to: numbers.count, by: 4).map {
        Box(
            x: numbers[$0], y: numbers[$0 + 1], width: numbers[$0 + 2] - numbers[$0],
            height: numbers[$0 + 3] - numbers[$0 + 1])
    }
}

extension MadeGolden {
    static func read(_ name: String) throws -> Self {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden")
        return try JSONDecoder().decode(Self.self, from: Data(contentsOf: folder.appending(path: name)))
    }

    var picture: Image {
        MadeNumbers.image("picture", seed, width: image.width, height: image.height, cell: image.cell)
    }

    /// Writes the network's weights and lends the file's path.
    ///
    /// - Parameter change: of the tensors, before they are written.
    func withWeights<Result>(
        changing change: (inout [(name: String, shape: [Int], values: [Float])]) -> Void = { _ in },
        _ body: (String) throws -> Result
    ) throws -> Result {
        var made = tensors.map { tensor in
            let count = tensor.shape.reduce(1, *)
            return (
                name: tensor.name, shape: tensor.shape,
                values: MadeNumbers.floats(tensor.name, seed, count, center: tensor.center, spread: tensor.spread)
            )
        }
        change(&made)
        let path = FileManager.default.temporaryDirectory.path + "/made-\(UUID().uuidString).safetensors"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Safetensors.write(made, to: path)
        return try body(path)
    }
}
