// A whole image on a device that has neither numbers nor memory: models assume nothing but the contract.

import Foundation
import Pixels
import Tensors
import TestDevices
import Testing

@testable import Diffusion

@Suite struct RecordingDeviceTests {
    private static func pictures(
        _ model: GoldenModel, _ count: Int, on device: RecordingDevice, guidance: Float = 3.5
    ) throws -> [Picture] {
        let pipeline = try LayoutToImagePipeline.load(checkpoint: Checkpoint(folder: model.folder), device: device)
        let requests = (0..<count).map { ImageRequest(prompt: .tokens([0, 5, 2]), seed: UInt64($0)) }
        device.forget()
        return try pipeline.generate(requests, width: 64, height: 32, steps: 2, guidance: guidance).map { try $0.get() }
    }

    @Test(arguments: GoldenModel.allCases)
    func anImageNeedsNothingButTheContract(model: GoldenModel) throws {
        let device = RecordingDevice()
        let picture = try #require(Self.pictures(model, 1, on: device).first)
        #expect(picture.image.width == 64 && picture.image.height == 32)
        #expect(picture.image.pixels.allSatisfy { $0 == 128 }, "zeros are gray")
        let names = Set(device.records.map(\.name))
        #expect(
            names.isSuperset(of: [
                "store", "floats", "embedding", "linear", "convolution", "perceptron", "attention",
                "groupNormalization", "layerNormalization", "apply", "add", "concatenateChannels", "upsampleNearest",
            ]))
        // Two steps and the picture: what is read is all that comes back to the host.
        #expect(device.records.filter { $0.name == "floats" }.count == 3)
    }

    /// How many images the convolutions of three tasks take at once: the U-Net's coarsest, and the decoder's finest.
    private static func batches(_ device: RecordingDevice) throws -> (coarse: Set<Int>, decoded: Set<Int>) {
        _ = try pictures(.sd1, 3, on: device)
        let convolutions = device.records.filter { $0.name == "convolution" }.map(\.shape)
        let coarse = convolutions.filter { $0[1] == 1 }
        let decoded = convolutions.filter { $0[1] == 32 && $0[2] == 64 }
        return (Set(coarse.map { $0[0] }), Set(decoded.map { $0[0] }))
    }

    @Test func aDeviceThatLikesAllGetsAllAtOnce() throws {
        let found = try Self.batches(RecordingDevice())
        #expect(found.coarse == [6], "each image has two texts")
        #expect(found.decoded == [3])
    }

    @Test func aDeviceGetsAsManyPositionsAsItLikes() throws {
        let facts = DeviceFacts(name: "recording", positionsTogether: 2 * 64 * 32)
        let found = try Self.batches(RecordingDevice(facts))
        #expect(found.decoded == [2, 1], "two pictures, then the third")
        let one = try Self.batches(RecordingDevice(DeviceFacts(name: "recording", positionsTogether: 1)))
        #expect(one.decoded == [1])
        #expect(one.coarse == [2, 6], "a guided image's texts stay together; the middle takes all")
    }

    /// Modules of models know no device by name, and no library of one.
    @Test func modelsImportNoDevice() throws {
        let engine = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources/Engine")
        var files = 0
        for module in ["Networks", "Diffusion", "Tensors"] {
            let folder = engine.appending(path: module)
            for case let file as String in try #require(FileManager.default.enumerator(atPath: folder.path))
            where file.hasSuffix(".swift") {
                files += 1
                let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
                let found = text.split(separator: "\n").filter { line in
                    line.contains("import ")
                        && ["Processors", "TorchDevice", "COpenBLAS", "CKernels", "CTorch"].contains {
                            line.hasSuffix($0)
                        }
                }
                #expect(found.isEmpty, "\(module)/\(file)")
            }
        }
        #expect(files > 50)
    }
}
