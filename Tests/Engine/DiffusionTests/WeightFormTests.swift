// A whole generation from a U-Net whose weights lie in other forms of files: the picture is the same.

import Foundation
import Testing
import Weights

@testable import Diffusion

struct WeightFormTests {
    private static let file = "unet/diffusion_pytorch_model.safetensors"

    private static func picture(_ folder: String) throws -> Picture {
        let pipeline = try LayoutToImagePipeline.load(
            checkpoint: Checkpoint(folder: folder), device: TestDevice.shared)
        let request = ImageRequest(prompt: "An image with dog <l1> <l60> [hard]", seed: 3)
        return try pipeline.generate([request], width: 64, height: 40, steps: 3, guidance: 3.5)[0].get()
    }

    /// The tensors of the U-Net, in the order of their names.
    private static func entries(_ copy: CheckpointCopy) throws -> [(name: String, shape: [Int], values: [Float])] {
        let weights = try WeightFile(path: "\(copy.folder)/\(file)")
        return weights.entries.values.sorted { $0.name < $1.name }.map { ($0.name, $0.shape, weights.floats(of: $0)) }
    }

    @Test func shardsWithAnIndexGiveTheSamePicture() throws {
        let copy = try CheckpointCopy(.sd1)
        let entries = try Self.entries(copy)
        try copy.remove(Self.file)
        var map: [String: String] = [:]
        for (number, part) in [entries[..<100], entries[100..<101], entries[101...]].enumerated() {
            let shard = "diffusion_pytorch_model-0000\(number + 1)-of-00003.safetensors"
            try Safetensors.write(Array(part), to: "\(copy.folder)/unet/\(shard)")
            for entry in part { map[entry.name] = shard }
        }
        let index = try JSONSerialization.data(withJSONObject: ["metadata": ["total_size": 1], "weight_map": map])
        try index.write(to: URL(fileURLWithPath: "\(copy.folder)/\(Self.file).index.json"))
        let checkpoint = try Checkpoint(folder: copy.folder)
        #expect(checkpoint.parts[1].files.count == 3 && checkpoint.parts[1].tensors == entries.count)
        #expect(try Self.picture(copy.folder) == Self.picture(GoldenModel.sd1.folder))
    }

    /// bfloat16 is the upper half of float32: a float32 file with the same numbers is its judge.
    @Test func bfloat16WeightsAreComputedAsTheFloatsTheyStandFor() throws {
        func rounded(_ value: Float) -> Float { Float(bitPattern: value.bitPattern & 0xFFFF_0000) }
        let floats = try CheckpointCopy(.sd1)
        try floats.rewrite(Self.file) {
            CheckpointCopy.Entry(name: $0.name, shape: $0.shape, values: $0.values.map(rounded))
        }
        let halves = try CheckpointCopy(.sd1)
        let entries = try Self.entries(floats)
        try Self.bfloat16File(entries).write(to: URL(fileURLWithPath: "\(halves.folder)/\(Self.file)"))
        #expect(try Checkpoint(folder: halves.folder).parts[1].formats.keys.map(\.rawValue) == ["bfloat16"])
        let picture = try Self.picture(halves.folder)
        #expect(try picture == Self.picture(floats.folder))
        #expect(try picture != Self.picture(GoldenModel.sd1.folder))
    }

    /// A safetensors file of the upper halves of the numbers.
    private static func bfloat16File(_ entries: [(name: String, shape: [Int], values: [Float])]) throws -> Data {
        var header: [String: [String: Any]] = [:]
        var body = Data()
        for entry in entries {
            let start = body.count
            for value in entry.values {
                withUnsafeBytes(of: UInt16(value.bitPattern >> 16).littleEndian) { body.append(contentsOf: $0) }
            }
            header[entry.name] = ["dtype": "BF16", "shape": entry.shape, "data_offsets": [start, body.count]]
        }
        let text = try JSONSerialization.data(withJSONObject: header)
        return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) } + text + body
    }

    /// Golden/write_legacy.py saved the U-Net with torch, as float16 to keep it small.
    @Test func aTorchFileOfTheUNetGivesThePictureOfItsNumbers() throws {
        let copy = try CheckpointCopy(.sd1)
        try copy.remove(Self.file)
        let torch = "unet/diffusion_pytorch_model.bin"
        try FileManager.default.copyItem(
            at: Golden.folder.appending(path: "legacy/\(torch)"), to: URL(fileURLWithPath: "\(copy.folder)/\(torch)"))
        let floats = try CheckpointCopy(.sd1)
        try floats.rewrite(Self.file) {
            CheckpointCopy.Entry(name: $0.name, shape: $0.shape, values: $0.values.map { Float(Float16($0)) })
        }
        #expect(try Checkpoint(folder: copy.folder).parts[1].formats.keys.map(\.rawValue) == ["float16"])
        #expect(try Self.picture(copy.folder) == Self.picture(floats.folder))
    }
}
