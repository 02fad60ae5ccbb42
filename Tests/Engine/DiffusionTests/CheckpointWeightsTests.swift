// Weight files as they are found: older names and shapes, and files that do not fit.

import Foundation
import Tensors
import Testing

@testable import Diffusion

@Suite struct CheckpointWeightsTests {
    private static let autoencoderFile = "vae/diffusion_pytorch_model.safetensors"

    private static func load(_ copy: CheckpointCopy) throws -> LayoutToImagePipeline {
        try LayoutToImagePipeline.load(checkpoint: Checkpoint(folder: copy.folder), device: TestDevice.shared)
    }

    @Test(arguments: [false, true])
    func olderAttentionNamesOfTheAutoencoderAreRead(asConvolutions: Bool) throws {
        let copy = try CheckpointCopy(.sd1)
        try copy.rewrite(Self.autoencoderFile) { entry in
            var entry = entry
            for (new, old) in [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")] {
                guard entry.name.contains("attentions"), entry.name.contains(".\(new).") else { continue }
                entry.name = entry.name.replacingOccurrences(of: ".\(new).", with: ".\(old).")
                if asConvolutions && entry.name.hasSuffix("weight") { entry.shape += [1, 1] }
            }
            return entry
        }
        let decoded = try Self.load(copy).autoencoder.decode(GoldenModel.sd1.tensor("vae.latents"))
        try expectClose(decoded, try GoldenModel.sd1.tensor("vae.decoded"), "decode with older names")
    }

    @Test func textEncoderNamesMayLackTheirPrefixAndPositionsAreIgnored() throws {
        let copy = try CheckpointCopy(.sd1)
        let positions = CheckpointCopy.Entry(name: "embeddings.position_ids", shape: [1, 2], values: [0, 1])
        try copy.rewrite("text_encoder/model.safetensors", adding: [positions]) { entry in
            var entry = entry
            entry.name = entry.name.replacingOccurrences(of: "text_model.", with: "")
            return entry
        }
        let hidden = try Self.load(copy).textEncoder(GoldenModel.sd1.integers("text.ids"))
        try expectClose(hidden, try GoldenModel.sd1.tensor("text.hidden"), "text without prefix")
    }

    @Test func allTensorsThatDoNotFitAreListedAtOnce() throws {
        let copy = try CheckpointCopy(.sd1)
        let surplus = CheckpointCopy.Entry(name: "encoder.conv_in.extra", shape: [1], values: [0])
        try copy.rewrite(Self.autoencoderFile, adding: [surplus]) { entry in
            var entry = entry
            if entry.name == "quant_conv.weight" { return nil }
            if entry.name == "decoder.conv_out.bias" {
                entry = .init(name: entry.name, shape: [1, 3], values: entry.values)
            }
            return entry
        }
        // Another part does not fit either: both are told at once.
        try copy.rewrite("unet/diffusion_pytorch_model.safetensors") { $0.name == "conv_in.bias" ? nil : $0 }
        let error = try #require(throws: CheckpointError.self) { try Checkpoint(folder: copy.folder) }
        #expect(error.code == .weights)
        #expect(
            error.details == [
                "unet: missing conv_in.bias", "vae: missing quant_conv.weight",
                "vae: unexpected encoder.conv_in.extra",
                "vae: mis-shaped decoder.conv_out.bias: expected [3], found [1, 3]",
            ])
        for part in [
            copy.folder, "unet: 1 missing; vae: 1 missing, 1 unexpected, 1 mis-shaped", "unet: missing conv_in.bias",
            "inspect --checkpoint` lists all 4",
        ] {
            #expect(error.description.contains(part), "\(error.description)")
        }
    }

    @Test func weightsInAFormatThatIsNotForNumbersAreNamed() throws {
        let copy = try CheckpointCopy(.sd1)
        let file = "\(copy.folder)/unet/diffusion_pytorch_model.safetensors"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        let header = try #require(bytes.range(of: Data(#""conv_in.bias":{"dtype":"F32""#.utf8)))
        bytes.replaceSubrange(header, with: Data(#""conv_in.bias":{"dtype":"I32""#.utf8))
        try bytes.write(to: URL(fileURLWithPath: file))
        let error = try #require(throws: CheckpointError.self) { try Checkpoint(folder: copy.folder) }
        #expect(error.details.count == 1 && error.details[0].contains("mis-shaped conv_in.bias"), "\(error.details)")
    }

    @Test func weightsOfAnotherGeometryAreRefused() throws {
        let copy = try CheckpointCopy(.sd1)
        try copy.set("layers_per_block", of: "unet/config.json", to: "2")
        let error = try #require(throws: CheckpointError.self) { try Checkpoint(folder: copy.folder) }
        #expect(error.description.contains("unet") && error.description.contains("missing"))
        #expect(!error.description.contains("\n") && error.description.unicodeScalars.count <= 560)
        #expect(error.details.count > 20 && error.details.allSatisfy { $0.hasPrefix("unet: ") })
    }
}
