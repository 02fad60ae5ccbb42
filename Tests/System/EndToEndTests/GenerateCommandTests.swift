// `generate` and `inspect --checkpoint` as a person runs them; no server is asked.

import Digests
import Fixtures
import Foundation
import Testing

struct GenerateCommandTests {
    private static let checkpoint = TinyCheckpoint.sd1.folder

    private static let layout =
        #"{"width":80,"height":60,"objects":[{"category":"person","bbox":[0,0,40,60],"attribute":"easy"},"#
        + #"{"category":"grass","bbox":[-5,30,200,30]}]}"#

    private let folder = FileManager.default.temporaryDirectory.path + "/generate_" + UUID().uuidString

    /// Runs the command in a folder with one layout file.
    private func generate(_ more: [String], layout: String = layout) throws -> ProcessResult {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(layout.utf8).write(to: URL(fileURLWithPath: folder + "/layout.json"))
        return try Commands().run(
            "worker", ["generate", "--checkpoint", Self.checkpoint, "--layout", folder + "/layout.json"] + more)
    }

    private func remove() throws { try FileManager.default.removeItem(atPath: folder) }

    @Test func thePromptAndItsTokensAreShown() throws {
        let result = try generate(["--print-prompt"])
        let lines = result.output.split(separator: "\n")
        #expect(lines.first == "An image with person <l0> <l60> [easy] grass <l32> <l63> [background]")
        #expect(lines.last?.hasPrefix("1") == true && lines.last?.contains("of 77 tokens: 562 ") == true)
        try remove()
    }

    @Test func givenLatentsMakeTheSameImageAgainAndTheStrategyAnother() throws {
        let common = ["--size", "32x24", "--steps", "2"]
        func image(_ name: String, _ more: [String]) throws -> Data {
            let result = try generate(common + ["--image", "\(folder)/\(name).png"] + more)
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.errors.contains("2 steps and decoding in"))
            return try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name).png"))
        }
        // A hundred guided steps later these latents would mean nothing; as noise they are as good as any.
        let plain = try image("first", ["--seed", "5", "--latents-out", folder + "/latents.safetensors"])
        #expect(try image("again", ["--seed", "5"]) == plain)
        #expect(try image("other", ["--seed", "6"]) != plain)
        let given = ["--latents-in", folder + "/latents.safetensors"]
        #expect(try image("given", given + ["--seed", "1"]) == image("given too", given + ["--seed", "2"]))
        #expect(try image("hard", ["--seed", "5", "--strategy", "hard"]) != plain)
        #expect(try image("boxes", ["--seed", "5", "--boxes"]) != plain)
        let wrong = try generate(["--size", "64x24", "--image", folder + "/wrong.png"] + given)
        #expect(wrong.status == 64 && wrong.errors.contains("--latents-in: expected [1, 4, 3, 8]"), "\(wrong.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder + "/wrong.png"))
        try remove()
    }

    @Test func rulesAreNotForOneLayout() throws {
        let result = try generate(["--print-prompt", "--strategy", "mixed"])
        #expect(result.status == 64 && result.output.isEmpty)
        #expect(
            result.errors.contains("--strategy mixed: its rules are for a whole set, found one layout"),
            "\(result.errors)")
        try remove()
    }

    @Test(arguments: [
        ("", "expected"), ("[]", "expected"), (#"{"width":80,"height":60}"#, "objects"),
        (#"{"width":0,"height":60,"objects":[]}"#, "found 0x60"), (#"{"width":8,"height":6,"objects":[]}"#, "objects"),
        (#"{"width":8,"height":6,"objects":[{"category":"dog","bbox":[1,2,3]}]}"#, "objects[0].bbox"),
        (
            #"{"width":8,"height":6,"objects":[{"category":"do\u001b[2Jg","bbox":[1,2,3,3],"attribute":"hard"}]}"#,
            "objects[0].category: expected a name without control characters, found 'do?[2Jg'"
        ),
        (
            #"{"width":8,"height":6,"objects":[{"category":"dog\u202e","bbox":[1,2,3,3],"attribute":"hard"}]}"#,
            "without control characters"
        ),
        (
            #"{"width":8,"height":6,"objects":[{"category":"dog","bbox":[9,2,3,3],"attribute":"hard"}]}"#,
            "meets the image"
        ),
        (#"{"width":8,"height":6,"objects":[{"category":"dog","bbox":[1,2,3,3]}]}"#, "choose --strategy hard or easy"),
        (#"{"width":8,"height":6,"objects":[{"category":"dog","bbox":[1,2,3,3],"attribute":"soft"}]}"#, "found 'soft'"),
    ])
    func aLayoutThatMeansNothingIsRefusedInOneLine(layout: String, says: String) throws {
        let result = try generate(["--image", folder + "/image.png"], layout: layout)
        #expect(result.status == 65)
        #expect(result.errors.contains(says) && result.errors.split(separator: "\n").count == 1, "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder + "/image.png"))
        try remove()
    }

    @Test func aLayoutOfATerabyteIsRefusedUnread() throws {
        _ = try generate(["--print-prompt"])
        let file = try #require(FileHandle(forWritingAtPath: folder + "/layout.json"))
        try file.truncate(atOffset: 1 << 40)
        try file.close()
        let result = try Commands().run(
            "worker",
            ["generate", "--checkpoint", Self.checkpoint, "--layout", folder + "/layout.json", "--print-prompt"])
        #expect(result.status == 65 && result.output.isEmpty, "\(result.errors)")
        #expect(result.errors.contains("at most 4194304 bytes, found 1099511627776"), "\(result.errors)")
        try remove()
    }

    @Test func whatCannotBeDoneIsRefusedBeforeComputing() throws {
        let cases: [([String], Int32, String)] = [
            ([], 64, "--image: expected where the PNG goes"),
            (["--image", "/nowhere/image.png"], 73, "expected a folder that can be written"),
            (["--image", folder + "/i.png", "--size", "33x24"], 64, "multiples of 8"),
            (["--image", folder + "/i.png", "--steps", "0"], 64, "steps"),
            (
                ["--image", folder + "/i.png", "--device", "gpu"], 64,
                "--device: expected cpu, torch, cuda or cuda:N, found 'gpu'"
            ),
            (["--image", folder + "/i.png", "--memory", "0.01", "--size", "4096x4096"], 65, "needs about"),
            (["--image", folder + "/i.png", "--guidance", "nan"], 64, "--guidance"),
            (["--image", folder + "/i.png", "--latents-in", folder + "/layout.json"], 65, "layout.json"),
        ]
        for (options, status, says) in cases {
            let result = try generate(options)
            #expect(
                result.status == status && result.errors.contains(says), "\(options): \(result.status) \(result.errors)"
            )
        }
        try remove()
    }

    @Test func aCheckpointIsInspectedAsTextAndAsJSON() throws {
        let text = try Commands().succeed("worker", ["inspect", "--checkpoint", Self.checkpoint])
        #expect(text.contains("UNet2DConditionModel") && text.contains("bins        8x8"))
        let json = try Commands().succeed("worker", ["inspect", "--checkpoint", Self.checkpoint, "--json"])
        let report = try JSONDecoder().decode(Report.self, from: Data(json.utf8))
        #expect(report.template == "compact" && report.bins == "8x8" && report.size == "64x64")
        #expect(report.parts.map(\.name) == ["text_encoder", "unet", "vae"])
        #expect(report.parts.reduce(0) { $0 + $1.parameters } == report.parameters)
        #expect(report.bytes == 4 * report.parameters && report.memory > report.bytes)
        let tokens = try ["vocab.json", "added_tokens.json"].flatMap { file in
            let ids = try JSONDecoder().decode(
                [String: Int].self, from: TinyCheckpoint.sd1.contents(of: "tokenizer/" + file))
            return Array(ids.values)
        }
        #expect(report.tokens == Set(tokens).count && report.promptTokens == 77)
        #expect(report.checkpoint == (try Self.digest(report.parts.flatMap(\.files))))
        #expect(report.capability == "diffusion.\(report.checkpoint.prefix(12))")
        for line in [
            "checkpoint  \(report.checkpoint)", "capability  \(report.capability)", "size        64x64",
            "tokens      \(report.tokens), 77 in a prompt", "memory      about ", "template    compact",
        ] {
            #expect(text.contains(line), "\(line)")
        }
        let missing = try Commands().run("worker", ["inspect", "--checkpoint", "/nowhere"])
        #expect(missing.status == 66 && missing.errors.split(separator: "\n").count == 1, "\(missing.errors)")
    }

    private struct Report: Decodable {
        struct Part: Decodable {
            var name: String
            var parameters: Int
            var files: [String]
        }

        var checkpoint, capability, template, bins, size: String
        var tokens, promptTokens, parameters, bytes, memory: Int
        var parts: [Part]
    }

    /// The digest as a person makes it: that of the listing which `sha256sum` prints of the files that count.
    private static func digest(_ weights: [String]) throws -> String {
        let tokenizer = try FileManager.default.contentsOfDirectory(atPath: checkpoint + "/tokenizer").map {
            "tokenizer/" + $0
        }
        let configurations = ["text_encoder", "unet", "vae"].map { $0 + "/config.json" }
        let files =
            (weights + tokenizer + configurations + ["scheduler/scheduler_config.json", "generation_config.json"])
            .sorted()
        let lines = try files.map { "\(try SHA256.digest(ofFileAt: "\(checkpoint)/\($0)").hex)  \($0)\n" }
        return SHA256.digest(of: lines.joined()).hex
    }

    @Test func aWorkersProfileAndACheckpointGoTogether() throws {
        let profile = Surroundings.root + "/workers/cpu.json"
        let result = try Commands().run("worker", ["run", "--profile", profile, "--checkpoint", "/nowhere"])
        #expect(result.status == 66 && result.errors.contains("/nowhere/model_index.json"), "\(result.errors)")
        let contradiction = try Commands().run(
            "worker", ["run", "--generator", "sketch", "--checkpoint", Self.checkpoint])
        #expect(contradiction.status == 64 && contradiction.errors.contains("--generator diffusion beside"))
    }
}
