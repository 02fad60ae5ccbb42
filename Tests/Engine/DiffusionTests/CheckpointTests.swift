// What a folder says before anything is loaded, and what is refused.

import Foundation
import Layouts
import Processors
import Tensors
import Testing
import Weights

@testable import Diffusion

@Suite struct CheckpointTests {
    private let facts = TestDevice.shared.facts

    @Test func factsAreThoseOfTheFiles() throws {
        let checkpoint = try Checkpoint(folder: GoldenModel.sd1.folder + "/")
        #expect(checkpoint.folder == GoldenModel.sd1.folder)
        #expect(checkpoint.parts.map(\.name) == ["text_encoder", "unet", "vae"])
        #expect(checkpoint.parts.map(\.className) == ["CLIPTextModel", "UNet2DConditionModel", "AutoencoderKL"])
        #expect(checkpoint.parts[1].files == ["unet/diffusion_pytorch_model.safetensors"])
        for part in checkpoint.parts {
            #expect(part.bytes == 4 * part.parameters && part.formats == [.float32: part.bytes])
            #expect(part.tensors > 30)
        }
        #expect(checkpoint.bins == Bins(columns: 8, rows: 8))
        #expect(checkpoint.template == .compact)
        #expect(checkpoint.width == 64 && checkpoint.height == 64)
        #expect(checkpoint.unet.heads == [2, 2, 2, 2])
        #expect(checkpoint.autoencoder.scalingFactor == 0.18215)
    }

    @Test func halfPrecisionIsCountedAsStored() throws {
        let checkpoint = try Checkpoint(folder: GoldenModel.sd2.folder)
        for part in checkpoint.parts { #expect(part.formats == [.float16: 2 * part.parameters]) }
        #expect(checkpoint.unet.heads == [1, 2, 4])
        #expect(checkpoint.autoencoder.scalingFactor == 0.25)
        #expect(checkpoint.width == 32 && checkpoint.height == 32)
        #expect(checkpoint.weightBytes(on: facts) == 4 * checkpoint.parts.reduce(0) { $0 + $1.parameters })
    }

    @Test func aFolderWithoutGenerationSettingsHasNoBins() throws {
        let copy = try CheckpointCopy(.sd1)
        try copy.remove("generation_config.json")
        let checkpoint = try Checkpoint(folder: copy.folder)
        #expect(checkpoint.bins == nil)
        #expect(checkpoint.template == .compact)
    }

    @Test(arguments: [
        ("\"paper\"", PromptTemplate.paper), ("\"geodiffusion\"", .geodiffusion),
        ("\"An image with {bbox}\"", .compact),
        ("null", .compact),
    ])
    func theTemplateThatIsNamedWins(value: String, template: PromptTemplate) throws {
        let copy = try CheckpointCopy(.sd1)
        try copy.write(
            "{\"prompt_template\": \(value), \"width\": 72, \"height\": 40, \"cfg_scale\": 5}",
            to: "generation_config.json")
        let checkpoint = try Checkpoint(folder: copy.folder)
        #expect(checkpoint.template == template)
        #expect(checkpoint.width == 72 && checkpoint.height == 40)
    }

    @Test func memoryGrowsWithBatchAndSize() throws {
        let checkpoint = try Checkpoint(folder: GoldenModel.sd1.folder)
        let small = checkpoint.memoryEstimate(batch: 16, width: 64, height: 64, on: facts)
        #expect(small > checkpoint.weightBytes(on: facts))
        #expect(checkpoint.memoryEstimate(batch: 32, width: 64, height: 64, on: facts) > small)
        #expect(checkpoint.memoryEstimate(batch: 16, width: 128, height: 64, on: facts) > small)
        #expect(checkpoint.memoryEstimate(batch: 16, width: 64, height: 64, usesGuidance: false, on: facts) < small)
    }

    static let refusals: [(file: String, key: String, value: String)] = [
        ("model_index.json", "_class_name", "\"StableDiffusionXLPipeline\""),
        ("model_index.json", "unet", "[\"diffusers\", \"SD3Transformer2DModel\"]"),
        ("model_index.json", "vae", "[null, null]"),
        ("text_encoder/config.json", "architectures", "[\"T5EncoderModel\"]"),
        ("text_encoder/config.json", "hidden_act", "\"gelu_new\""),
        ("text_encoder/config.json", "num_attention_heads", "5"),
        ("text_encoder/config.json", "hidden_size", "-24"),
        ("unet/config.json", "class_embed_type", "\"timestep\""),
        ("unet/config.json", "addition_embed_type", "\"text_time\""),
        ("unet/config.json", "dual_cross_attention", "true"),
        ("unet/config.json", "only_cross_attention", "[true, false, false, false]"),
        ("unet/config.json", "mid_block_type", "\"UNetMidBlock2DSimpleCrossAttn\""),
        ("unet/config.json", "down_block_types", "[\"AttnDownBlock2D\"]"),
        ("unet/config.json", "up_block_types", "[\"UpBlock2D\"]"),
        ("unet/config.json", "act_fn", "\"mish\""),
        ("unet/config.json", "attention_head_dim", "[2, 2]"),
        ("unet/config.json", "attention_head_dim", "3"),
        ("unet/config.json", "block_out_channels", "[8, 8, 16, 1e30]"),
        ("unet/config.json", "out_channels", "8"),
        ("unet/config.json", "in_channels", "9"),
        ("unet/config.json", "cross_attention_dim", "32"),
        ("unet/config.json", "norm_eps", "0"),
        ("unet/config.json", "norm_eps", "1e300"),
        ("text_encoder/config.json", "layer_norm_eps", "1e-60"),
        ("vae/config.json", "scaling_factor", "1e-60"),
        ("unet/config.json", "flip_sin_to_cos", "\"yes\""),
        ("unet/config.json", "transformer_layers_per_block", "[[1, 1], 1, 1, 1]"),
        ("vae/config.json", "shift_factor", "0.1"),
        ("vae/config.json", "use_quant_conv", "false"),
        ("vae/config.json", "down_block_types", "[\"DownEncoderBlock2D\"]"),
        ("vae/config.json", "latent_channels", "16"),
        ("generation_config.json", "num_bucket_per_side", "[0, 8]"),
        ("generation_config.json", "prompt_template", "\"An image of {camera} camera with {bbox}\""),
        ("generation_config.json", "width", "true"),
    ]

    @Test(arguments: refusals)
    func whatIsNotComputedIsRefusedByName(file: String, key: String, value: String) throws {
        let copy = try CheckpointCopy(.sd1)
        try copy.set(key, of: file, to: value)
        let error = try #require(throws: CheckpointError.self) { try Checkpoint(folder: copy.folder) }
        #expect(!error.description.contains("\n"))
        #expect(error.description.contains(copy.folder))
        let related = ["out_channels": "in_channels", "latent_channels": "in_channels", "hidden_size": "hidden_size"]
        #expect(
            error.description.contains(key) || error.description.contains(related[key] ?? "block_out_channels"),
            "\(error.description)")
    }

    /// With two channels and this shift, the only frequency would be 0 / 0.
    @Test func timestepsWithoutFrequenciesAreRefused() throws {
        let copy = try CheckpointCopy(.sd1)
        try copy.set("freq_shift", of: "unet/config.json", to: "1")
        try copy.set("block_out_channels", of: "unet/config.json", to: "[2, 8, 16, 16]")
        let error = try #require(throws: CheckpointError.self) { try Checkpoint(folder: copy.folder) }
        #expect(error.description.contains("block_out_channels: expected at least 4 channels first"))
    }

    @Test(arguments: [
        "model_index.json", "text_encoder/config.json", "unet/config.json", "vae/config.json",
        "scheduler/scheduler_config.json", "unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors",
    ])
    func aMissingFileIsNamed(file: String) throws {
        let copy = try CheckpointCopy(.sd1)
        try copy.remove(file)
        let error = try #require(throws: CheckpointError.self) { try Checkpoint(folder: copy.folder) }
        #expect(error.code == .file)
        #expect(error.description.contains(String(file.split(separator: "/")[0])), "\(error.description)")
    }

    /// Bytes that are not UTF-8 between two values; Foundation's reader of JSON5 ended the process at them.
    @Test(arguments: [
        "unet/config.json", "vae/config.json", "text_encoder/config.json", "scheduler/scheduler_config.json",
    ])
    func bytesThatAreNotTextAreRefused(file: String) throws {
        let copy = try CheckpointCopy(.sd1)
        let bytes = Array(#"{"norm_num_groups": 2, "#.utf8) + [0xFA, 0xFA, 0xFA] + Array(#" "layers": 1}"#.utf8)
        try Data(bytes).write(to: URL(fileURLWithPath: "\(copy.folder)/\(file)"))
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(folder: copy.folder) }
        #expect(error?.code == .content && error?.description.contains(file) == true)
    }

    @Test(arguments: ["", "[]", "{", "\u{0}", "{\"in_channels\": NaN}"])
    func aDamagedConfigurationIsRefused(text: String) throws {
        let copy = try CheckpointCopy(.sd1)
        try copy.write(text, to: "unet/config.json")
        let error = try #require(throws: CheckpointError.self) { try Checkpoint(folder: copy.folder) }
        #expect(error.code == .content && error.description.contains("unet/config.json"))
    }

    @Test func locationTokensMustBeInTheTokenizer() throws {
        let copy = try CheckpointCopy(.sd1)
        try copy.write("{\"num_bucket_per_side\": [256, 256]}", to: "generation_config.json")
        let error = try #require(throws: CheckpointError.self) { try Checkpoint(folder: copy.folder) }
        #expect(error.description.contains("<l65535>"))
    }
}
