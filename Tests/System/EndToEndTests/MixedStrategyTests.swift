// A job of strategy mixed from its rules to its export.

import Fixtures
import Foundation
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct MixedStrategyTests {
    private static let rules =
        #"{"rules":[{"when":{"categories":["person"]},"use":"hard"},{"share":0.5,"use":"hard"}],"otherwise":"easy"}"#

    private static func object(_ text: some StringProtocol) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func rulesReachTheImagesAndTheManifest() throws {
        try TestWorld.with("mixed") { world in
            let folder = FileManager.default.temporaryDirectory.path + "/mixed-" + UUID().uuidString
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try world.commands.succeed("producer", ["example", "--images", "40", "--out", folder + "/set.json"])
            func arguments(_ rules: String) throws -> [String] {
                try Data(rules.utf8).write(to: URL(fileURLWithPath: folder + "/rules.json"))
                return [
                    "--annotations", folder + "/set.json", "--strategy", "mixed", "--rules", folder + "/rules.json",
                    "--size", "64x64", "--limit", "6",
                ]
            }
            let plan = try Self.object(
                try world.commands.succeed("producer", ["plan", "--json"] + arguments(Self.rules)))
            try world.commands.succeed("producer", ["enqueue", "--job", "m"] + arguments(Self.rules))
            let spaced = Self.rules.replacing(":", with: " : ").replacing("0.5", with: "5e-1")
            let again = try world.commands.succeed("producer", ["enqueue", "--job", "m"] + arguments(spaced))
            #expect(again.contains("already there"))
            let other = try world.commands.run(
                "producer", ["enqueue", "--job", "m"] + arguments(Self.rules.replacing("0.5", with: "0.6")))
            #expect(other.status == 78 && other.errors.contains("(rules: {"), "\(other.errors)")

            try world.commands.succeed("worker", TestWorld.worker)
            #expect(try world.records("jobs").first?["strategy"] as? String == "mixed")
            try world.commands.succeed("catalogue", ["export", "coco", "--job", "m", "--out", folder + "/out"])
            let manifest = try Self.object(try String(contentsOfFile: folder + "/out/export.manifest", encoding: .utf8))
            #expect(manifest["strategy"] as? String == "mixed")
            let digest = try #require(manifest["rulesDigest"] as? String)
            #expect(digest.count == 64 && digest == plan["rulesDigest"] as? String)
            #expect((manifest["rules"] as? [String: Any])?["otherwise"] as? String == "easy")

            let prompts = try world.sql("SELECT convert_from(payload, 'UTF8') FROM payloads").joined()
            #expect(prompts.contains(#""attribute":"easy""#))
            #expect(prompts.contains(/"attribute":"hard","bbox":\[[^\]]*\],"category":"person"/))
            #expect(!prompts.contains(/"attribute":"easy","bbox":\[[^\]]*\],"category":"person"/))
        }
    }
}
