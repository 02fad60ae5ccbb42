// Makes a generator into a kind of task: decode, generate, encode, store.

import Digests
import Executors
import Failpoints
import Layouts
import Pixels
public import Stores
import Synchronization
public import Tasks

/// Kind `generate`: one stored PNG per layout task.
public struct GenerateHandler: TaskHandler {
    private let generator: any Generator
    private let judge: (any ImageJudge)?
    private let writer: ImageWriter
    private let specifications = SpecificationMemory()

    /// Serves `generator`'s jobs, storing into `store`.
    /// - Parameter judge: serves the jobs whose gate has this detector, instead of those without a gate.
    public init(generator: any Generator, store: any ObjectStore, judge: (any ImageJudge)? = nil) {
        self.generator = generator
        self.judge = judge
        writer = ImageWriter(store: store)
    }

    /// The generator's capability and limits.
    public var description: HandlerDescription {
        let generator = generator.describe()
        return HandlerDescription(
            kind: .generate,
            capability: Capability(
                generator: generator.name, checkpointDigest: generator.checkpointDigest,
                gateDigest: judge?.digest.hex),
            maximumBatch: generator.maximumBatch, deviceClass: generator.deviceClass,
            isReproducible: generator.isReproducible)
    }

    /// Prepares the generator.
    public func prepare() async throws { try await generator.prepare() }

    /// A layout task as its producer wrote it.
    public func decode(_ payload: [UInt8]) throws -> LayoutTask { try LayoutTask(decoding: payload) }

    /// Generates the batch; the second half encodes and stores the images.
    public func compute(_ batch: DecodedBatch<LayoutTask>) async throws -> StoreResults {
        let specification = try specifications.specification(of: batch.job)
        let images = try await images(of: batch.items.map(\.work), specification)
        guard images.count == batch.items.count else {
            throw GenerationFailure(
                "generator \(generator.describe().name): expected \(batch.items.count) images, found \(images.count)",
                isPermanent: false)
        }
        let (writer, made) = (writer, Array(zip(batch.items.map(\.number), images)))
        return { try await writer.store(made, specification: specification) }
    }

    private func images(
        of tasks: [LayoutTask], _ specification: GenerateSpecification
    ) async throws -> [Result<JudgedImage, GenerationFailure>] {
        switch (specification.gate, judge) {
        case (nil, nil):
            return try await generator.generate(tasks, specification: specification).map { result in
                result.map { JudgedImage(image: $0, judgement: nil) }
            }
        case (let gate?, let judge?):
            return try await GatedGenerator(generator: generator, judge: judge)
                .generate(tasks, specification: specification, gate: gate)
        case (let gate, _):
            let failure = GenerationFailure(
                gate == nil
                    ? "expected a job with a gate, found one without" : "expected a job without a gate, found one with",
                isPermanent: true)
            return tasks.map { _ in .failure(failure) }
        }
    }
}

/// The specification of the job that was served last: a worker takes hundreds of batches of a job, one after the other.
private final class SpecificationMemory: Sendable {
    private let last = Mutex<(digest: SHA256Digest, specification: GenerateSpecification)?>(nil)

    func specification(of job: TaskBatch.Job) throws -> GenerateSpecification {
        if let last = last.withLock({ $0 }), last.digest == job.digest { return last.specification }
        let specification = try GenerateSpecification(json: job.specification)
        last.withLock { $0 = (job.digest, specification) }
        return specification
    }
}

/// Encodes and stores images on its own thread, so that disc syncs never hold up the device or the pool.
actor ImageWriter {
    private let thread = DedicatedThread(name: "image-writer")
    private let store: any ObjectStore

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    init(store: any ObjectStore) { self.store = store }

    /// Stores what was made; a full or missing disc pauses the work, and costs no attempt.
    func store(
        _ images: [(number: Int, image: Result<JudgedImage, GenerationFailure>)], specification: GenerateSpecification
    ) throws -> [TaskResult] {
        var results: [TaskResult] = []
        var encoded: [(number: Int, png: [UInt8], judgement: ImageJudgement?)] = []
        for (number, result) in images {
            switch result {
            case .failure(let failure):
                let outcome = TaskOutcome.failed(reason: failure.description, isPermanent: failure.isPermanent)
                results.append(TaskResult(number: number, outcome: outcome))
            case .success(let made)
            where made.image.width != specification.width || made.image.height != specification.height:
                let reason =
                    "expected an image of \(specification.width)x\(specification.height) pixels, found "
                    + "\(made.image.width)x\(made.image.height)"
                results.append(TaskResult(number: number, outcome: .failed(reason: reason, isPermanent: true)))
            case .success(let made):
                encoded.append((number, try made.image.png(), made.judgement))
            }
        }
        let stored = try pausing { () throws(StoreError) in try store.put(encoded.map(\.png), extension: "png") }
        Failpoint.hit("worker.after-store")
        for (item, object) in zip(encoded, stored) {
            let image = ImageRecord(
                digest: object.digest, bytes: object.size, width: specification.width, height: specification.height,
                judgement: item.judgement?.encoded())
            results.append(TaskResult(number: item.number, outcome: .image(image)))
        }
        return results
    }
}

/// Turns failures of the disc that time or an operator mends into a pause: a disc that is full, read-only, away or ill says
/// nothing about the task.
func pausing<Value>(_ action: () throws(StoreError) -> Value) throws -> Value {
    do {
        return try action()
    } catch {
        guard error.code.isOfTheSurroundings || error.code == .missing else { throw error }
        throw WorkPaused(error.description)
    }
}
