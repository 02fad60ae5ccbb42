// The identity of a checkpoint, and remembering it.

import Digests
import Foundation
import Testing

@testable import Diffusion

@Suite struct CheckpointDigestTests {
    private static let nothing = DigestCache(folder: nil)

    @Test func theDigestIsThatOfTheListingThatSha256sumPrints() throws {
        let checkpoint = try Checkpoint(folder: GoldenModel.sd1.folder)
        #expect(
            checkpoint.digestedFiles == [
                "generation_config.json", "scheduler/scheduler_config.json", "text_encoder/config.json",
                "text_encoder/model.safetensors", "tokenizer/added_tokens.json", "tokenizer/merges.txt",
                "tokenizer/special_tokens_map.json", "tokenizer/tokenizer_config.json", "tokenizer/vocab.json",
                "unet/config.json", "unet/diffusion_pytorch_model.safetensors", "vae/config.json",
                "vae/diffusion_pytorch_model.safetensors",
            ])
        let listing = try checkpoint.digestedFiles.map { file in
            "\(try SHA256.digest(ofFileAt: "\(checkpoint.folder)/\(file)").hex)  \(file)\n"
        }
        #expect(try checkpoint.digest(cache: Self.nothing) == SHA256.digest(of: listing.joined()))
    }

    @Test func whatChangesPicturesChangesTheDigestAndNothingElseDoes() throws {
        let copy = try CheckpointCopy(.sd1)
        func digest() throws -> SHA256Digest { try Checkpoint(folder: copy.folder).digest(cache: Self.nothing) }
        let original = try Checkpoint(folder: GoldenModel.sd1.folder).digest(cache: Self.nothing)
        #expect(try digest() == original)
        try copy.write("notes", to: "README.md")
        try copy.set("requires_safety_checker", of: "model_index.json", to: "true")
        #expect(try digest() == original)
        try copy.set("scaling_factor", of: "vae/config.json", to: "0.2")
        #expect(try digest() != original)
    }

    @Test func aLargeFileIsHashedOnceUntilItChanges() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "digests-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let cache = DigestCache(folder: "\(folder)/cache")
        let file = "\(folder)/large"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let bytes = [UInt8](repeating: 7, count: DigestCache.smallestSize)
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        #expect(try cache.digest(ofFileAt: file) == SHA256.digest(of: bytes))
        // Another hash in the cache shows that the second call does not read the file.
        let kept = try #require(FileManager.default.contentsOfDirectory(atPath: cache.folder ?? "").first)
        let other = SHA256.digest(of: "another")
        try other.hex.write(toFile: "\(folder)/cache/\(kept)", atomically: true, encoding: .utf8)
        #expect(try cache.digest(ofFileAt: file) == other)
        // What the cache holds may be damaged, and the file may be written again.
        try "damaged".write(toFile: "\(folder)/cache/\(kept)", atomically: true, encoding: .utf8)
        #expect(try cache.digest(ofFileAt: file) == SHA256.digest(of: bytes))
        try Data(bytes + [1]).write(to: URL(fileURLWithPath: file))
        #expect(try cache.digest(ofFileAt: file) == SHA256.digest(of: bytes + [1]))
    }

    @Test func aCacheThatCannotBeWrittenOnlyCostsTime() throws {
        let cache = DigestCache(folder: "/dev/null/cache")
        let file = "\(GoldenModel.sd1.folder)/unet/diffusion_pytorch_model.safetensors"
        #expect(try cache.digest(ofFileAt: file) == SHA256.digest(ofFileAt: file))
    }
}
