// A checkpoint as older tools saved it gives the bytes of the same checkpoint as newer tools save it.

import Foundation
import Testing

@testable import Diffusion

struct LegacyCheckpointTests {
    private static let weights = [
        ("text_encoder", "model.safetensors", "pytorch_model.bin"),
        ("vae", "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"),
    ]

    @Test func torchPicklesWithOldNamesGiveTheSamePicture() throws {
        let copy = try CheckpointCopy(.sd1)
        for (part, new, old) in Self.weights {
            try copy.remove("\(part)/\(new)")
            try FileManager.default.copyItem(
                at: Golden.folder.appending(path: "legacy/\(part)/\(old)"),
                to: URL(fileURLWithPath: "\(copy.folder)/\(part)/\(old)"))
        }
        let checkpoint = try Checkpoint(folder: copy.folder)
        #expect(checkpoint.parts.flatMap(\.files).filter { $0.hasSuffix(".bin") }.count == 2)
        let request = ImageRequest(prompt: "An image with dog <l1> <l60> [hard]", seed: 3)
        let pipelines = [
            try LayoutToImagePipeline.load(checkpoint: checkpoint, device: TestDevice.shared),
            try GoldenModel.sd1.pipeline(),
        ]
        let pictures = try pipelines.map { pipeline in
            try pipeline.generate([request], width: 64, height: 40, steps: 3, guidance: 3.5)[0].get()
        }
        #expect(pictures[0] == pictures[1])
        #expect(try checkpoint.digest() != Checkpoint(folder: GoldenModel.sd1.folder).digest())
    }
}
