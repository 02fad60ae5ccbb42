// Generating behind a gate: which try becomes the image, and what is recorded of it.

import Digests
import Layouts
import Pixels
import Synchronization
import Tasks
import Testing

@testable import Handlers
@testable import Stores

/// Finds the first object of ``Made``'s tasks in images of at least this shade, as sure as the image is bright.
private struct ShadeJudge: ImageJudge {
    static let digest = SHA256.digest(of: "shade")
    var digest: SHA256Digest { Self.digest }

    func detections(in images: [Image], classes: [Int?]) async throws -> [[Detection]] {
        images.map { image in
            // Label 0 stands for category 1, of which the first object of a made task is.
            guard let category = classes[0] else { return [] }
            let box = Box(x: 10, y: 5, width: 80, height: 60).fitted(from: 200, 100, into: image.width, image.height)
            return [Detection(imageID: 0, categoryID: category, box: box, score: Double(image.pixels[0]) / 255)]
        }
    }
}

struct GateTests {
    private static let base = Made.task(image: 1)

    private static func gated(retries: Int, otherwise: QualityGate.Otherwise = .drop) -> GenerateSpecification {
        var specification = Made.specification()
        specification.gate = GateSpecification(
            detector: "shade", detectorDigest: ShadeJudge.digest, classes: [1],
            rules: QualityGate(minScore: 0.5, retries: retries, otherwise: otherwise))
        return specification
    }

    private static func easy(image: Int) -> LayoutTask {
        var task = Made.task(image: image)
        task.layout.objects[0].attribute = .easy
        return task
    }

    /// Images whose shade is what `shades` has for the task's seed, and which notes the seeds it was asked for.
    private static func run(
        _ tasks: [LayoutTask], shades: [UInt64: UInt8], retries: Int
    ) async throws -> (images: [ImageRecord], seeds: [UInt64]) {
        let asked = Mutex<[UInt64]>([])
        let generator = ScriptedGenerator { tasks, specification in
            asked.withLock { $0 += tasks.map(\.seed) }
            return tasks.map { task in
                let shade = shades[task.seed] ?? 0
                return .success(
                    Image(
                        width: specification.width, height: specification.height,
                        fill: Color(red: shade, green: shade, blue: shade)))
            }
        }
        let results = try await Made.withStore { store in
            let handler = GenerateHandler(generator: generator, store: store, judge: ShadeJudge())
            let batch = try Made.batch(try tasks.map { try $0.encoded() }, specification: gated(retries: retries))
            return try await handler.work(on: batch)()
        }
        let images = results.sorted { $0.number < $1.number }.compactMap { result in
            if case .image(let image) = result.outcome { image } else { nil }
        }
        return (images, asked.withLock { $0 })
    }

    private static func judgement(_ image: ImageRecord) throws -> ImageJudgement {
        try ImageJudgement(decoding: try #require(image.judgement), objects: 2)
    }

    @Test func theFirstTryThatPassesIsTheImage() async throws {
        let task = Self.easy(image: 1)
        let seeds = (0...3).map { task.retried($0).seed }
        #expect(Set(seeds).count == 4 && seeds[0] == task.seed)
        let run = try await Self.run(
            [task], shades: [seeds[0]: 100, seeds[1]: 50, seeds[2]: 200, seeds[3]: 255], retries: 3)
        #expect(run.seeds == Array(seeds[...2]))
        let judgement = try Self.judgement(try #require(run.images.first))
        #expect(judgement.retry == 2 && judgement.seed == seeds[2] && judgement.isPassed && judgement.recall == 1)
        #expect(judgement.objects[0] == DetectedObject(score: 200.0 / 255, iou: 1) && judgement.objects[1] == nil)
    }

    @Test func onlyWhatDoesNotPassIsGeneratedAgain() async throws {
        let tasks = [Self.easy(image: 1), Self.easy(image: 2), Made.task(image: 3)]
        let run = try await Self.run(
            tasks, shades: [tasks[0].seed: 255, tasks[1].retried(1).seed: 255, tasks[2].seed: 0], retries: 5)
        // An image of hard objects alone passes, whatever is found.
        #expect(run.seeds == tasks.map(\.seed) + [tasks[1].retried(1).seed])
        #expect(try run.images.map { try Self.judgement($0).retry } == [0, 1, 0])
        #expect(try run.images.allSatisfy { try Self.judgement($0).isPassed })
    }

    @Test func whereNonePassesTheFirstOfTheBestIsTheImage() async throws {
        let task = Self.easy(image: 1)
        let run = try await Self.run([task], shades: [:], retries: 2)
        #expect(run.seeds == (0...2).map { task.retried($0).seed })
        let judgement = try Self.judgement(try #require(run.images.first))
        #expect(judgement.retry == 0 && !judgement.isPassed && judgement.recall == 0)
    }

    @Test func aRetryThatFailsFailsItsTaskAlone() async throws {
        let tasks = [Self.easy(image: 1), Made.task(image: 2)]
        let generator = ScriptedGenerator { tasks, specification in
            tasks.map { task in
                guard task.seed == Self.easy(image: 1).retried(1).seed else {
                    return .success(
                        Image(
                            width: specification.width, height: specification.height,
                            fill: Color(red: 0, green: 0, blue: 0)))
                }
                return .failure(GenerationFailure("out of memory", isPermanent: false))
            }
        }
        try await Made.withStore { store in
            let handler = GenerateHandler(generator: generator, store: store, judge: ShadeJudge())
            let batch = try Made.batch(try tasks.map { try $0.encoded() }, specification: Self.gated(retries: 3))
            let results = try await handler.work(on: batch)()
            #expect(outputs(results) == [11])
            #expect(failures(results).map(\.number) == [10])
            #expect(failures(results).allSatisfy { !$0.isPermanent && $0.reason == "out of memory" })
        }
    }

    @Test func aWorkerServesJobsOfItsOwnDetectorOnly() async throws {
        let generator = ScriptedGenerator { _, _ in throw GenerationFailure("asked", isPermanent: false) }
        try await Made.withStore { store in
            let plain = GenerateHandler(generator: generator, store: store)
            let gated = GenerateHandler(generator: generator, store: store, judge: ShadeJudge())
            var specification = Self.gated(retries: 1)
            specification.generator = "scripted"
            #expect(gated.description.capability == specification.capability)
            #expect(gated.description.capability.isValid && plain.description.capability != specification.capability)
            var other = specification
            other.gate?.detectorDigest = SHA256.digest(of: "another")
            for (handler, specification) in [(plain, specification), (gated, Made.specification()), (gated, other)] {
                let batch = try Made.batch([try Self.base.encoded()], specification: specification)
                let failed = failures(try await handler.work(on: batch)())
                #expect(
                    failed.count == 1 && failed.allSatisfy { $0.isPermanent && $0.reason.contains("expected a job") })
            }
        }
    }

    /// Computed with Python: `int.from_bytes(hashlib.sha256(b"detdiffusion.retry.v1|8254846994162394|1").digest()[:8], "big") >> 11`.
    @Test func seedsOfRetriesAreTheseNumbersForEver() {
        var task = Self.base
        task.seed = 8_254_846_994_162_394
        #expect(task.retried(1).seed == 512238042484771)
        #expect(task.retried(0) == task)
    }
}
