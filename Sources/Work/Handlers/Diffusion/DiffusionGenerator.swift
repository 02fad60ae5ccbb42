// The generator `diffusion`: layout-to-image models, computed in this process.

public import Diffusion
import Digests
import Executors
import Failpoints
public import Pixels
public import Tasks
public import Tensors

/// Makes images with a checkpoint's text encoder, U-Net and autoencoder.
///
/// As many tasks as fit into memory go through the model at once, and no more than keep its layers short: a drain waits
/// for one. An image depends on its task, the specification, the checkpoint and
/// the kind of device; and not on the batch, where the device is reproducible.
public actor DiffusionGenerator: Generator {
    private let thread = DedicatedThread(name: GeneratorName.diffusion)
    private let checkpoint: Checkpoint
    private let digest: String
    private let maximumBatch: Int
    private let memory: MemoryBudget
    private let device: any Device
    private let onStep: @Sendable (_ step: Int, _ total: Int) -> Void
    private var weights: WeightWatch
    private var pipeline: LayoutToImagePipeline?

    /// Runs on its own thread; the device has more.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    /// Hashes the checkpoint, unless its digest is known, and loads nothing yet.
    /// - Parameters:
    ///   - checkpoint: the model.
    ///   - maximumBatch: the most tasks of one claim.
    ///   - memory: what this generator may take.
    ///   - device: what computes; generators of one process share it, since they take turns.
    ///   - onStep: told on the generator's thread after each step of a pass.
    public init(
        checkpoint: Checkpoint, maximumBatch: Int, memory: MemoryBudget, device: any Device,
        onStep: @escaping @Sendable (_ step: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(CheckpointError) {
        self.onStep = onStep
        self.checkpoint = checkpoint
        self.maximumBatch = maximumBatch
        self.memory = memory
        let identified = try checkpoint.identified()
        digest = identified.digest.hex
        weights = identified.weights
        self.device = device
        // What the smallest image takes is what loading takes.
        let side = checkpoint.autoencoder.factor
        try memory.require(
            checkpoint.memoryEstimate(batch: 1, width: side, height: side, on: device.facts),
            for: "loading \(checkpoint.folder)")
    }

    /// Its device class names what decides last bits.
    public nonisolated func describe() -> GeneratorDescription {
        GeneratorDescription(
            name: GeneratorName.diffusion, checkpointDigest: digest, maximumBatch: maximumBatch,
            deviceClass: "diffusion-\(Self.engineVersion)-\(device.facts.name)",
            isReproducible: device.facts.isReproducible)
    }

    /// Raised when the engine's numbers change.
    private static let engineVersion = 4

    /// Loads the weights; float32 files are mapped, so workers of one host share them.
    public func prepare() async throws {
        if pipeline == nil { pipeline = try LayoutToImagePipeline.load(checkpoint: checkpoint, device: device) }
        try weights.settle()
    }

    /// Generates the tasks in passes as large as memory allows; stops between two layers when the work is cancelled.
    ///
    /// - Throws: ``Tasks/WorkerUnfit`` when the weights are not those of the digest any more, or the device is gone, and
    ///   ``Tasks/WorkPaused`` when somebody touched their files meanwhile: nothing is returned that may have been computed
    ///   with others.
    public func generate(
        _ tasks: [LayoutTask], specification: GenerateSpecification
    ) async throws -> [Result<Image, GenerationFailure>] {
        guard let pipeline else { preconditionFailure("prepare() runs before the first batch") }
        let size = passSize(specification, of: tasks.count)
        guard size > 0 else { return tasks.map { _ in .failure(tooLarge(specification)) } }
        do {
            try weights.settle()
            var images: [Result<Image, GenerationFailure>] = []
            for start in stride(from: 0, to: tasks.count, by: size) {
                let pass = tasks[start..<min(start + size, tasks.count)]
                images += try generate(Array(pass), specification, pipeline)
            }
            if weights.isUnchanged { return images }
            try weights.settle()
        } catch let error as CheckpointError {
            throw WorkerUnfit(error)
        } catch let error as DeviceError where error.code == .lost {
            throw WorkerUnfit(error)
        }
        throw WorkPaused(
            "\(checkpoint.folder): its weight files were touched while a batch was computed, and hold what they held; "
                + "computing the batch again")
    }

    private func generate(
        _ tasks: [LayoutTask], _ specification: GenerateSpecification, _ pipeline: LayoutToImagePipeline
    ) throws -> [Result<Image, GenerationFailure>] {
        do {
            return try pipeline.generate(
                tasks.map { ImageRequest(prompt: $0.prompt, seed: $0.seed) }, width: specification.width,
                height: specification.height, steps: specification.steps ?? UsualSampling.steps,
                guidance: Float(specification.guidance ?? UsualSampling.guidance),
                onStep: onStep,
                check: {
                    Failpoint.hit("diffusion.layer")
                    try Task.checkCancellation()
                }
            ).map { result in
                result.map(\.image).mapError {
                    // Another worker may have more memory.
                    GenerationFailure($0.description, isPermanent: $0.code != .outOfMemory)
                }
            }
        } catch let error as GenerationError {
            // The options are the job's: no other attempt can do better.
            return tasks.map { _ in .failure(GenerationFailure(error.description, isPermanent: true)) }
        } catch let error as DeviceError where error.code == .failed {
            // Another device may do better.
            return tasks.map { _ in .failure(GenerationFailure(error.description, isPermanent: false)) }
        }
    }

    /// How many of `count` tasks go through one pass; 0 when not even one fits into memory.
    private func passSize(_ specification: GenerateSpecification, of count: Int) -> Int {
        let factor = checkpoint.autoencoder.factor
        let positions = (specification.width / factor) * (specification.height / factor)
        let quick = device.facts.positionsInSeconds.map { max(1, $0 / max(1, positions)) } ?? count
        return (1...max(1, min(count, quick))).prefix { estimate(specification, batch: $0) <= memory.bytes }.count
    }

    private func estimate(_ specification: GenerateSpecification, batch: Int) -> Int {
        checkpoint.memoryEstimate(
            batch: batch, width: specification.width, height: specification.height,
            usesGuidance: (specification.guidance ?? UsualSampling.guidance) > 1, on: device.facts)
    }

    private func tooLarge(_ specification: GenerateSpecification) -> GenerationFailure {
        GenerationFailure(
            "an image of \(specification.width)x\(specification.height) pixels takes about "
                + "\(MemoryBudget.text(estimate(specification, batch: 1))) of memory, found "
                + "\(MemoryBudget.text(memory.bytes)); use a worker with more",
            isPermanent: false)
    }
}
