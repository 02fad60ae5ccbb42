// Hostile checkpoints, through every command that reads one: each is refused before a server is asked.

import Fixtures
import Foundation
import Testing

struct CheckpointFolderTests {
    /// What was done to a checkpoint, and what every command must say about it.
    struct Harm: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var status: Int32
        var says: [String]
        var harm: @Sendable (TinyCheckpoint) throws -> Void

        init(
            _ name: String, _ status: Int32 = 65, says: [String],
            _ harm: @escaping @Sendable (TinyCheckpoint) throws -> Void
        ) {
            (testDescription, self.status, self.says, self.harm) = (name, status, says, harm)
        }
    }

    private static let unet = TinyCheckpoint.unetFile
    private static let configuration = "unet/config.json"
    private static let decoder = "vae/diffusion_pytorch_model.bin"

    /// Puts torch's file in the place of the autoencoder's weights, with `old` in its pickle replaced by as many bytes.
    private static func pickle(_ checkpoint: TinyCheckpoint, _ old: String, by new: [UInt8]) throws {
        try checkpoint.remove("vae/diffusion_pytorch_model.safetensors")
        var bytes = try TinyCheckpoint.legacy.contents(of: decoder)
        let range = try #require(bytes.range(of: Data(old.utf8)))
        precondition(new.count == range.count, "the zip's sizes stay")
        bytes.replaceSubrange(range, with: new)
        try checkpoint.write(bytes, to: decoder)
    }

    /// Makes a file as long as it says, without any of its bytes on the disc.
    private static func lengthen(_ file: String, of checkpoint: TinyCheckpoint) throws {
        let handle = try #require(FileHandle(forWritingAtPath: "\(checkpoint.folder)/\(file)"))
        try handle.truncate(atOffset: 1 << 40)
        try handle.close()
    }

    private static let weights = [
        Harm("cut safetensors", says: [unet, "expected"]) {
            try $0.write($0.contents(of: unet).prefix(100_000), to: unet)
        },
        Harm("a header longer than its file", says: [unet, "header"]) {
            try $0.write(Data([0, 0, 0, 16, 0, 0, 0, 0]) + $0.contents(of: unet).dropFirst(8), to: unet)
        },
        Harm("a header of 2^63 bytes", says: [unet, "header"]) {
            try $0.write(Data(repeating: 0xFF, count: 8) + $0.contents(of: unet).dropFirst(8), to: unet)
        },
        Harm("tensors that overlap", says: [unet, "conv_in"]) {
            try $0.replace(#""data_offsets":[32,1184]"#, by: #""data_offsets":[16,1168]"#, in: unet)
        },
        Harm("a tensor in more bytes than it has numbers", says: [unet, "conv_in"]) {
            try $0.replace(#""data_offsets":[32,1184]"#, by: #""data_offsets":[1,99999]"#, in: unet)
        },
        Harm("empty weights", says: [unet, "0 bytes"]) { try $0.write(Data(), to: unet) },
        Harm("no weights", 66, says: ["unet", "expected one of"]) { try $0.remove(unet) },
        Harm("a shard index that leaves its folder", says: ["index.json", "shard"]) {
            try $0.remove(unet)
            try $0.write(Data(#"{"weight_map":{"a":"../../etc/passwd"}}"#.utf8), to: unet + ".index.json")
        },
        Harm("a shard that is missing", says: ["index.json", "shard"]) {
            try $0.remove(unet)
            try $0.write(Data(#"{"weight_map":{"a":"b.safetensors"}}"#.utf8), to: unet + ".index.json")
        },
        Harm("a pickle that names a function", says: [decoder, "expected"]) {
            try pickle($0, "ctorch._utils\n_rebuild_tensor_v2\n", by: Array("csubprocess.a\ncheck_output_of_me\n".utf8))
        },
        Harm("a pickle with a string of 2 GB", says: [decoder, "expected"]) {
            try pickle($0, "ctorch._utils", by: [0x42, 0xFF, 0xFF, 0xFF, 0x7F] + Array("utils_12".utf8))
        },
        Harm("a pickle that nests without end", says: [decoder, "expected"]) {
            // A tuple of the top three of a stack that holds fewer.
            try pickle($0, "ctorch._utils\n_rebuild_tensor_v2\n", by: Array(repeating: 0x87, count: 33))
        },
    ]

    /// What a broken copy of a Hugging Face cache holds.
    private static func unlink(_ file: String, of checkpoint: TinyCheckpoint) throws {
        try checkpoint.remove(file)
        try FileManager.default.createSymbolicLink(
            atPath: "\(checkpoint.folder)/\(file)", withDestinationPath: "../../blobs/0a1b2c")
    }

    private static let links = [
        "model_index.json", "generation_config.json", "tokenizer/added_tokens.json", configuration, unet,
    ].map { file in
        Harm("a link to no file: \(file)", 66, says: [file, "found a link to '../../blobs/0a1b2c'"]) {
            try unlink(file, of: $0)
        }
    }

    private static let schedulers = [
        Harm("betas of zero SNR", says: ["rescale_betas_zero_snr", "leave it as it is"]) {
            try $0.replace("{", by: #"{"rescale_betas_zero_snr": true, "#, in: "scheduler/scheduler_config.json")
        },
        Harm("another family of samplers", says: ["_class_name", "leave it as it is"]) {
            try $0.replace(
                "DPMSolverMultistepScheduler", by: "FlowMatchEulerDiscreteScheduler",
                in: "scheduler/scheduler_config.json")
        },
    ]

    private static let texts = [
        Harm("no folder", 66, says: ["model_index.json", "No such file"]) {
            try FileManager.default.removeItem(atPath: $0.folder)
        },
        Harm("a file for a folder", 66, says: ["model_index.json", "Not a directory"]) {
            try FileManager.default.removeItem(atPath: $0.folder)
            try Data("x".utf8).write(to: URL(fileURLWithPath: $0.folder))
        },
        Harm("a missing part", 66, says: ["vae/config.json", "No such file"]) { try $0.remove("vae") },
        Harm("a folder for a file", 66, says: [configuration, "found a folder"]) {
            try $0.remove(configuration)
            try FileManager.default.createDirectory(
                atPath: "\($0.folder)/\(configuration)", withIntermediateDirectories: false)
        },
        Harm("a pipe for a file", 66, says: [configuration, "found a folder or device"]) {
            try $0.remove(configuration)
            #expect(mkfifo("\($0.folder)/\(configuration)", 0o600) == 0)
        },
        Harm("a pipe for weights", 66, says: [unet, "found a folder or device"]) {
            try $0.remove(unet)
            #expect(mkfifo("\($0.folder)/\(unet)", 0o600) == 0)
        },
        Harm("a configuration of a terabyte", says: [configuration, "1099511627776"]) {
            try lengthen(configuration, of: $0)
        },
        Harm("a vocabulary of a terabyte", says: ["vocab.json", "1099511627776"]) {
            try lengthen("tokenizer/vocab.json", of: $0)
        },
        Harm("merges of 50 MB", says: ["merges.txt", "at most 8388608 bytes", "50000000"]) {
            try $0.write(Data(String(repeating: "i n\n", count: 12_500_000).utf8), to: "tokenizer/merges.txt")
        },
        Harm("the same merge a million times", says: ["vocab.json", "merges for", "found 1000000"]) {
            try $0.write(Data(String(repeating: "i n\n", count: 1_000_000).utf8), to: "tokenizer/merges.txt")
        },
        Harm("another pipeline", says: ["model_index.json", "_class_name", "Stable Diffusion 1.x or 2.x"]) {
            try $0.replace("StableDiffusionPipeline", by: "StableDiffusionXLPipeline", in: "model_index.json")
        },
        Harm("another model class", says: [configuration, "_class_name"]) {
            try $0.replace("UNet2DConditionModel", by: #"\u001b[2J\u0007\nModel"#, in: configuration)
        },
        Harm("sizes that no model has", says: [configuration, "sample_size", "4096"]) {
            try $0.replace(#""sample_size": 8"#, by: #""sample_size": 1048576"#, in: configuration)
        },
        Harm("a configuration that is cut", says: [configuration, "JSON"]) {
            try $0.write($0.contents(of: configuration).prefix(300), to: configuration)
        },
        Harm("a configuration 100,000 levels deep", says: [configuration, "at most 64 nested values"]) {
            try $0.write(Data(String(repeating: #"{"a":"#, count: 100_000).utf8), to: configuration)
        },
        Harm("a vocabulary without merges", 66, says: ["merges.txt", "vocab.json"]) {
            try $0.remove("tokenizer/merges.txt")
        },
        Harm("no tokenizer", 66, says: ["tokenizer"]) { try $0.remove("tokenizer") },
        Harm("a vocabulary 100,000 levels deep", says: ["vocab.json"]) {
            try $0.write(Data(String(repeating: "[", count: 100_000).utf8), to: "tokenizer/vocab.json")
        },
        Harm("more bins than tokens", says: ["<l65535>"]) {
            try $0.write(Data(#"{"num_bucket_per_side":[256,256]}"#.utf8), to: "generation_config.json")
        },
    ]

    @Test(arguments: weights + texts + links + schedulers)
    func aHostileCheckpointIsRefusedByEveryCommand(harm: Harm) throws {
        let scratch = try Scratch()
        let checkpoint = try TinyCheckpoint.sd1.copy(to: scratch.path + "/checkpoint")
        try harm.harm(checkpoint)
        for (command, arguments) in try Self.commands(checkpoint, scratch) {
            let result = try Refusal.nobody.run(command, arguments, limit: .seconds(20))
            Refusal.expect(
                result, status: harm.status, says: harm.says + [checkpoint.folder],
                "\(harm.testDescription): \(command) \(arguments[0])")
        }
        #expect(try scratch.entries().filter { $0.hasSuffix(".png") }.isEmpty)
    }

    /// Every command that reads a checkpoint; the other inputs are good.
    private static func commands(
        _ checkpoint: TinyCheckpoint, _ scratch: Scratch
    ) throws -> [(command: String, arguments: [String])] {
        let layout = try scratch.write(
            "layout.json",
            #"{"width":8,"height":8,"objects":[{"category":"dog","bbox":[0,0,4,4],"attribute":"hard"}]}"#)
        let annotations = try scratch.write("good.json", Annotations.file())
        let job = [
            "--annotations", annotations, "--strategy", "hard", "--generator", "diffusion", "--size", "64x40",
            "--checkpoint", checkpoint.folder,
        ]
        return [
            ("worker", ["inspect", "--checkpoint", checkpoint.folder]),
            (
                "worker",
                [
                    "generate", "--checkpoint", checkpoint.folder, "--layout", layout, "--image",
                    scratch.path + "/image.png",
                ]
            ),
            ("worker", ["run", "--checkpoint", checkpoint.folder]), ("producer", ["plan"] + job),
            ("producer", ["enqueue", "--job", "x"] + job),
        ]
    }

    /// All say it in one line with the count; only `inspect` lists every tensor below.
    @Test func tensorsThatDoNotFitAreCountedAndListed() throws {
        let scratch = try Scratch()
        let checkpoint = try TinyCheckpoint.sd1.copy(to: scratch.path + "/checkpoint")
        try checkpoint.replace("conv_in.bias", by: "conv_in.BIAS", in: Self.unet)
        try checkpoint.replace("conv_in.weight", by: "conv_in.wEIGHT", in: Self.unet)
        try checkpoint.replace("quant_conv.bias", by: "quant_conv.BIAS", in: "vae/diffusion_pytorch_model.safetensors")
        for (command, arguments) in try Self.commands(checkpoint, scratch) {
            var result = try Refusal.nobody.run(command, arguments)
            if arguments[0] == "inspect" {
                let lines = result.errors.split(separator: "\n")
                #expect(lines.dropFirst().contains("unet: missing conv_in.weight"), "\(result.errors)")
                #expect(
                    lines.dropFirst().contains { $0.hasPrefix("vae: unexpected ") && $0.hasSuffix("quant_conv.BIAS") })
                result = ProcessResult(status: result.status, output: result.output, errors: lines[0] + "\n")
            }
            Refusal.expect(result, status: 65, says: ["unet", "conv_in", checkpoint.folder], arguments[0])
        }
    }
}
