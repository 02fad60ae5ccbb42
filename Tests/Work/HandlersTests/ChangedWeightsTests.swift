// Weight files that change under a running generator: no image under a digest that is not its weights'.

import Diffusion
import Digests
import Fixtures
import Foundation
import Layouts
import Pixels
import Processors
import Synchronization
import Tasks
import Tensors
import Testing

@testable import Handlers

@Suite struct ChangedWeightsTests {
    private static let golden = TinyCheckpoint.sd1.folder
    private static let file = "unet/diffusion_pytorch_model.safetensors"

    private let folder: Folder
    private var path: String { "\(folder.path)/\(Self.file)" }

    /// A copy of the golden checkpoint, removed with the object.
    private final class Folder: Sendable {
        let path = FileManager.default.temporaryDirectory.appending(path: "changed-weights-\(UUID())").path
        init() throws { try FileManager.default.copyItem(atPath: ChangedWeightsTests.golden, toPath: path) }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    /// What is done to the file.
    enum Change: CaseIterable {
        case cut, overwritten, removed, replaced

        func make(at path: String) throws {
            let handle = try #require(FileHandle(forUpdatingAtPath: path))
            switch self {
            case .cut: try handle.truncate(atOffset: 5000)
            case .overwritten:
                try handle.seek(toOffset: try handle.seekToEnd() - 4)
                try handle.write(contentsOf: [1, 2, 3, 4])
            case .removed: try FileManager.default.removeItem(atPath: path)
            case .replaced:
                var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
                bytes[bytes.count - 2] ^= 1
                try bytes.write(to: URL(fileURLWithPath: path), options: .atomic)
            }
        }

        var says: String {
            switch self {
            case .cut: "found 5000"
            case .overwritten: "expected SHA-256 "
            case .removed, .replaced: "found it removed or replaced"
            }
        }
    }

    init() throws { folder = try Folder() }

    private func generator(onStep: @escaping @Sendable (Int, Int) -> Void = { _, _ in }) async throws
        -> DiffusionGenerator
    {
        let generator = try DiffusionGenerator(
            checkpoint: Checkpoint(folder: folder.path), maximumBatch: 8, memory: MemoryBudget(bytes: 1 << 30),
            device: CPUDevice(threads: 2), onStep: onStep)
        try await generator.prepare()
        return generator
    }

    private func generate(_ generator: DiffusionGenerator) async throws -> [[UInt8]] {
        var specification = GenerateSpecification(
            annotations: SHA256.digest(of: "annotations"), subset: .all, strategy: .hard, template: .compact,
            bins: Bins(columns: 8, rows: 8), width: 64, height: 40, samples: 1, seed: 0, generator: "diffusion",
            shardSize: 8)
        specification.steps = 3
        let layout = Layout(imageID: 1, fileName: "1.jpg", width: 10, height: 10, objects: [])
        let tasks = (0..<2).map {
            LayoutTask(layout: layout, prompt: "An image with dog <l\($0)> <l63> [hard]", sample: 0, seed: UInt64($0))
        }
        return try await generator.generate(tasks, specification: specification).map { try $0.get().pixels }
    }

    private func expectUnfit(_ generator: DiffusionGenerator, says: String) async {
        let error = await #expect(throws: WorkerUnfit.self) { try await generate(generator) }
        #expect(error?.cause is CheckpointError)
        let line = error?.description ?? ""
        #expect(line.contains(path) && line.contains(says) && !line.contains("\n"), "\(line)")
    }

    @Test(arguments: Change.allCases)
    func aChangeBetweenTwoBatchesEndsTheWorkerBeforeTheNext(change: Change) async throws {
        let generator = try await generator()
        #expect(try await generate(generator).count == 2)
        try change.make(at: path)
        await expectUnfit(generator, says: change.says)
        await expectUnfit(generator, says: change.says)
    }

    /// The pages that are gone are read on the device's threads, in the step after.
    @Test(arguments: Change.allCases)
    func aChangeDuringABatchEndsTheWorkerWithoutAnImage(change: Change) async throws {
        let path = path
        let generator = try await generator { step, _ in
            if step == 1 { #expect(throws: Never.self) { try change.make(at: path) } }
        }
        await expectUnfit(generator, says: change.says)
    }

    /// Numbers that came and went: what the file holds in the end says nothing about the batch.
    @Test func aBatchThatSawATouchedFileIsComputedAgain() async throws {
        let path = path
        let expected = try await generate(generator())
        let isFirst = Mutex(true)
        let generator = try await generator { step, _ in
            let isNow = isFirst.withLock { isFirst in
                defer { isFirst = false }
                return isFirst
            }
            guard step == 1, isNow else { return }
            #expect(throws: Never.self) {
                let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
                try Change.overwritten.make(at: path)
                let handle = try #require(FileHandle(forUpdatingAtPath: path))
                try handle.write(contentsOf: bytes)
            }
        }
        let pause = await #expect(throws: WorkPaused.self) { try await generate(generator) }
        #expect(pause?.description.contains("computing the batch again") == true)
        #expect(try await generate(generator) == expected)
    }
}
