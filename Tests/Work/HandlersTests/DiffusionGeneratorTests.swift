// The diffusion generator as a worker uses it: passes, cancellation, memory.

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
import TestDevices
import Testing

@testable import Handlers

struct DiffusionGeneratorTests {
    private static let folder = TinyCheckpoint.sd1.folder

    private static let device = CPUDevice(threads: 1)

    private static func specification(width: Int = 64, height: Int = 40, steps: Int = 2) -> GenerateSpecification {
        var specification = GenerateSpecification(
            annotations: SHA256.digest(of: "annotations"), subset: .all, strategy: .hard, template: .compact,
            bins: Bins(columns: 8, rows: 8), width: width, height: height, samples: 1, seed: 0, generator: "diffusion",
            shardSize: 8)
        specification.steps = steps
        return specification
    }

    private static func tasks(_ count: Int) -> [LayoutTask] {
        let layout = Layout(imageID: 1, fileName: "1.jpg", width: 10, height: 10, objects: [])
        return (0..<count).map { index in
            LayoutTask(
                layout: layout, prompt: "An image with dog <l\(index)> <l63> [hard]", sample: 0, seed: UInt64(index))
        }
    }

    private static func generator(
        _ folder: String = folder, bytes: Int = 1 << 30, device: any Device = device,
        onStep: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
    ) async throws -> DiffusionGenerator {
        let checkpoint = try Checkpoint(folder: folder)
        let memory = MemoryBudget(bytes: bytes)
        let generator = try DiffusionGenerator(
            checkpoint: checkpoint, maximumBatch: 8, memory: memory,
            device: device, onStep: onStep)
        try await generator.prepare()
        return generator
    }

    @Test func itNamesItsCheckpointAndItsProcessor() async throws {
        let description = try await Self.generator().describe()
        #expect(description.name == "diffusion" && description.maximumBatch == 8)
        #expect(description.checkpointDigest == (try Checkpoint(folder: Self.folder).digest().hex))
        #expect(description.deviceClass.contains("cpu-") && description.isReproducible)
        let other = RecordingDevice(DeviceFacts(name: "other"))
        let elsewhere = try await Self.generator(device: other).describe()
        #expect(elsewhere.deviceClass == "diffusion-4-other" && !elsewhere.isReproducible)
    }

    @Test func imagesDoNotDependOnHowMemoryCutsABatchIntoPasses() async throws {
        let checkpoint = try Checkpoint(folder: Self.folder)
        func room(_ batch: Int) -> Int {
            checkpoint.memoryEstimate(batch: batch, width: 64, height: 40, on: Self.device.facts)
        }
        // A small batch takes what decoding one of its images takes.
        let fitting = try #require((1..<32).first { room($0) < room($0 + 1) })
        let tasks = Self.tasks(2 * fitting + 1)
        let all = try await Self.generator().generate(tasks, specification: Self.specification())
        let cut = try await Self.generator(bytes: room(fitting)).generate(tasks, specification: Self.specification())
        #expect(try all.map { try $0.get() } == cut.map { try $0.get() })
        #expect(Set(try all.map { try $0.get().pixels }).count == tasks.count)
    }

    @Test func anImageThatCannotFitFailsWithBothFigures() async throws {
        let generator = try await Self.generator(bytes: 200_000_000)
        let results = try await generator.generate(
            Self.tasks(2), specification: Self.specification(width: 4096, height: 4096))
        #expect(results.count == 2)
        let failure = #expect(throws: GenerationFailure.self) { try results[0].get() }
        #expect(failure?.description.contains("4096x4096 pixels takes about") == true)
        #expect(failure?.description.contains("found 0.2 GB") == true && failure?.isPermanent == false)
    }

    @Test func aCheckpointThatCannotFitIsRefusedAtTheStart() throws {
        let checkpoint = try Checkpoint(folder: Self.folder)
        let error = #expect(throws: CheckpointError.self) {
            try DiffusionGenerator(
                checkpoint: checkpoint, maximumBatch: 1, memory: MemoryBudget(bytes: 1000),
                device: Self.device)
        }
        #expect(error?.description.contains("needs about") == true)
    }

    /// All stay loaded while one computes: each needs room for the others' weights beside its own.
    @Test func severalCheckpointsShareTheMemory() throws {
        let checkpoints = try ["sd1", "sd2"].map { name in
            try Checkpoint(folder: Self.folder.replacingOccurrences(of: "sd1", with: name))
        }
        let needs = checkpoints.map { Self.smallestBudget([$0]) }
        #expect(needs.allSatisfy { $0 > 100_000 })
        let together = zip(needs, checkpoints.reversed()).map { $0 + $1.weightBytes(on: Self.device.facts) }
        #expect(Self.smallestBudget(checkpoints) == together.max())
    }

    /// The fewest bytes with which these checkpoints are not refused.
    private static func smallestBudget(_ checkpoints: [Checkpoint]) -> Int {
        var (refused, accepted) = (0, 1 << 30)
        while accepted - refused > 1 {
            let middle = (refused + accepted) / 2
            do {
                _ = try DiffusionGenerator.sharing(
                    checkpoints, maximumBatch: 1, memory: MemoryBudget(bytes: middle), device: Self.device)
                accepted = middle
            } catch {
                refused = middle
            }
        }
        return accepted
    }

    /// Cancelled after its second step, it does not come to its third.
    @Test func aCancelledBatchEndsWithinAStep() async throws {
        let steps = Mutex<[Int]>([])
        let generator = try await Self.generator { step, _ in
            steps.withLock { $0.append(step) }
            if step == 2 { withUnsafeCurrentTask { $0?.cancel() } }
        }
        let work = Task {
            try await generator.generate(Self.tasks(1), specification: Self.specification(steps: 999))
        }
        await #expect(throws: CancellationError.self) { try await work.value }
        #expect(steps.withLock { $0 } == [1, 2])
    }

    /// Passes stay short, however much memory there is: a drain waits for a layer of one.
    @Test func aPassHasABoundedNumberOfPositions() async throws {
        let steps = Mutex(0)
        let generator = try await Self.generator { _, _ in steps.withLock { $0 += 1 } }
        // 64x128 latents an image: two images a pass, in one step each.
        let specification = Self.specification(width: 512, height: 1024, steps: 1)
        let images = try await generator.generate(Self.tasks(3), specification: specification)
        #expect(images.count == 3 && steps.withLock { $0 } == 2)
    }

    @Test func aDeviceThatIsQuickWithAnyPassGetsTheWholeBatch() async throws {
        let steps = Mutex(0)
        let quick = RecordingDevice(DeviceFacts(name: "quick"))
        let generator = try await Self.generator(bytes: .max, device: quick) { _, _ in steps.withLock { $0 += 1 } }
        let images = try await generator.generate(
            Self.tasks(3), specification: Self.specification(width: 512, height: 1024, steps: 1))
        #expect(images.count == 3 && steps.withLock { $0 } == 1)
    }

    /// A batch is given back by a worker whose device is gone; other failures are those of the tasks.
    @Test(arguments: [DeviceError.Code.outOfMemory, .failed])
    func aDeviceThatFailsFailsItsTasksForNow(code: DeviceError.Code) async throws {
        let device = FailingDevice(Self.device) { $0.name == "attention" ? DeviceError(code, "no luck") : nil }
        let results = try await Self.generator(device: device).generate(
            Self.tasks(2), specification: Self.specification())
        #expect(results.count == 2)
        for result in results {
            let failure = #expect(throws: GenerationFailure.self) { try result.get() }
            #expect(failure?.isPermanent == false && failure?.description.contains("attention: queries [") == true)
        }
    }

    @Test func aDeviceThatIsGoneMakesTheWorkerUnfit() async throws {
        let device = FailingDevice(Self.device) { $0.name == "floats" ? DeviceError(.lost, "it fell off") : nil }
        let generator = try await Self.generator(device: device)
        let error = await #expect(throws: WorkerUnfit.self) {
            try await generator.generate(Self.tasks(1), specification: Self.specification())
        }
        #expect(error?.cause is DeviceError && error?.description.hasSuffix(": it fell off") == true)
    }

    @Test func aPromptThatDoesNotFitFailsItsOwnTaskForGood() async throws {
        var tasks = Self.tasks(3)
        tasks[1].prompt = String(repeating: "dog ", count: 80)
        let results = try await Self.generator().generate(tasks, specification: Self.specification())
        #expect((try? results[0].get()) != nil && (try? results[2].get()) != nil)
        let failure = #expect(throws: GenerationFailure.self) { try results[1].get() }
        #expect(failure?.isPermanent == true && failure?.description.contains("tokens") == true)
    }
}
