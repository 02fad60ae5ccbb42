// Weights that change after they were hashed, and checkpoints that change while they are read.

import Digests
import Foundation
import Testing

@testable import Diffusion

@Suite struct WeightWatchTests {
    private static let nothing = DigestCache(folder: nil)
    private static let file = "unet/diffusion_pytorch_model.safetensors"
    private let copy: CheckpointCopy
    private let checkpoint: Checkpoint
    private var path: String { "\(copy.folder)/\(Self.file)" }

    init() throws {
        copy = try CheckpointCopy(.sd1)
        checkpoint = try Checkpoint(folder: copy.folder)
    }

    private func handle() throws -> FileHandle { try #require(FileHandle(forUpdatingAtPath: path)) }

    /// Writes other numbers over the last of the file, in place.
    private func overwrite() throws {
        let handle = try handle()
        try handle.seek(toOffset: try handle.seekToEnd() - 4)
        try handle.write(contentsOf: [1, 2, 3, 4])
    }

    /// The one line with which a watch refuses to go on.
    private func refusal(_ watch: WeightWatch) -> CheckpointError? {
        #expect(!watch.isUnchanged)
        var watch = watch
        let error = #expect(throws: CheckpointError.self) { try watch.settle() }
        #expect(error?.description.contains(path) == true && error?.description.contains("\n") == false)
        return error
    }

    @Test func nothingHappens() throws {
        var (digest, watch) = try checkpoint.identified(cache: Self.nothing)
        #expect(try digest == checkpoint.digest(cache: Self.nothing))
        #expect(watch.isUnchanged)
        try watch.settle()
        #expect(watch.isUnchanged)
    }

    @Test func filesThatWereOnlyTouchedGoOnBeingUsed() throws {
        var (_, watch) = try checkpoint.identified(cache: Self.nothing)
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 7)], ofItemAtPath: path)
        #expect(!watch.isUnchanged)
        try watch.settle()
        #expect(watch.isUnchanged)
        // A second name, as a backup of hard links gives it.
        try FileManager.default.linkItem(atPath: path, toPath: "\(copy.folder)/backup")
        #expect(!watch.isUnchanged)
        try watch.settle()
        #expect(watch.isUnchanged)
    }

    @Test func otherNumbersInPlaceAreRefused() throws {
        let (_, watch) = try checkpoint.identified(cache: Self.nothing)
        try overwrite()
        let error = refusal(watch)
        #expect(error?.code == .weights && error?.description.contains("expected SHA-256 ") == true)
    }

    @Test func ashorterFileIsRefusedWhetherItWasReadOrNot() throws {
        let (_, watch) = try checkpoint.identified(cache: Self.nothing)
        try handle().truncate(atOffset: 5000)
        let error = refusal(watch)
        #expect(error?.code == .weights && error?.description.contains("found 5000") == true)
        let pipeline = #expect(throws: CheckpointError.self) {
            try LayoutToImagePipeline.load(checkpoint: checkpoint, device: TestDevice.shared)
                .generate([ImageRequest(prompt: "x", seed: 1)], width: 64, height: 40, steps: 1, guidance: 1)
        }
        #expect(pipeline?.code == .weights && pipeline?.description.contains("found 5000") == true)
        #expect(refusal(watch)?.description.contains("found 5000") == true)
    }

    @Test func aRemovedOrReplacedFileIsRefused() throws {
        let (_, watch) = try checkpoint.identified(cache: Self.nothing)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        try copy.remove(Self.file)
        #expect(refusal(watch)?.code == .file)
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(refusal(watch)?.description.contains("found it removed or replaced") == true)
    }

    /// Else what is in memory would be recorded under the digest of what is on the disc.
    @Test func weightsThatChangeBetweenOpeningAndHashingAreRefused() throws {
        try overwrite()
        let error = #expect(throws: CheckpointError.self) { try checkpoint.digest(cache: Self.nothing) }
        #expect(error?.description.contains("\(path): expected a file that nobody writes") == true)
    }

    @Test func weightsThatAreReplacedBetweenOpeningAndHashingAreRefused() throws {
        try copy.rewrite(Self.file) { $0 }
        let error = #expect(throws: CheckpointError.self) { try checkpoint.digest(cache: Self.nothing) }
        #expect(error?.description.contains("\(path): expected a file that nobody writes") == true)
    }

    @Test(arguments: ["scheduler/scheduler_config.json", "generation_config.json", "tokenizer/tokenizer.json"])
    func textsThatChangeBetweenReadingAndHashingAreRefused(file: String) throws {
        try copy.write("{}", to: file)
        let error = #expect(throws: CheckpointError.self) { try checkpoint.digest(cache: Self.nothing) }
        #expect(error?.description.contains("\(copy.folder)/\(file): expected a file that nobody writes") == true)
    }

    @Test func aSingleImageIsRefusedWhereWeightsWereTouched() throws {
        try checkpoint.requireUntouchedWeights()
        try overwrite()
        let error = #expect(throws: CheckpointError.self) { try checkpoint.requireUntouchedWeights() }
        #expect(error?.description.contains("\(path): expected a file that nobody writes") == true)
    }
}
