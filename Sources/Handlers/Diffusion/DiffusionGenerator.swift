// The generator `diffusion`: layout-to-image models, computed in this process.

public import Diffusion
import Digests
import Executors
public import Pixels
public import Tasks
import Tensors

/// Makes images with a checkpoint's text encoder, U-Net and autoencoder.
///
/// As many tasks as fit into memory go through the model at once. An image depends on its task, the specification, the
/// checkpoint and the kind of processor, never on the batch.
public actor DiffusionGenerator: Generator {
    private let thread = DedicatedThread(name: "diffusion")
    private let checkpoint: Checkpoint
    private let digest: String
    private let maximumBatch: Int
    private let memory: MemoryBudget
    private let device: CPUDevice
    private var pipeline: LayoutToImagePipeline?

    /// Runs on its own thread; the device has more.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    /// Hashes the checkpoint, unless its digest is known, and loads nothing yet.
    /// - Parameters:
    ///   - checkpoint: the model.
    ///   - maximumBatch: the most tasks of one claim.
    ///   - memory: what the whole process may take.
    ///   - threads: how many compute, by default one a core.
    public init(checkpoint: Checkpoint, maximumBatch: Int, memory: MemoryBudget, threads: Int? = nil)
        throws(CheckpointError)
    {
        self.checkpoint = checkpoint
        self.maximumBatch = maximumBatch
        self.memory = memory
        digest = try checkpoint.digest().hex
        device = CPUDevice(threads: threads)
        // What the smallest image takes is what loading takes.
        let side = checkpoint.autoencoder.factor
        try memory.require(
            checkpoint.memoryEstimate(batch: 1, width: side, height: side), for: "loading \(checkpoint.folder)")
    }

    /// Its device class names the processor's kernels and the library's version: both decide last bits.
    public nonisolated func describe() -> GeneratorDescription {
        GeneratorDescription(
            name: Self.name, checkpointDigest: digest, maximumBatch: maximumBatch,
            deviceClass: "diffusion-\(Self.engineVersion)-\(device.name)")
    }

    /// As given to `--generator`.
    public static let name = "diffusion"
    /// Raised when the engine's numbers change.
    private static let engineVersion = 2

    /// Loads the weights; float32 files are mapped, so workers of one host share them.
    public func prepare() async throws {
        if pipeline == nil { pipeline = try LayoutToImagePipeline.load(checkpoint: checkpoint, device: device) }
    }

    /// Generates the tasks in passes as large as memory allows; stops at a step when the work is cancelled.
    public func generate(
        _ tasks: [LayoutTask], specification: GenerateSpecification
    ) async throws -> [Result<Image, GenerationFailure>] {
        guard let pipeline else { preconditionFailure("prepare() runs before the first batch") }
        let size = passSize(specification, of: tasks.count)
        guard size > 0 else { return tasks.map { _ in .failure(tooLarge(specification)) } }
        var images: [Result<Image, GenerationFailure>] = []
        for start in stride(from: 0, to: tasks.count, by: size) {
            let pass = tasks[start..<min(start + size, tasks.count)]
            images += try generate(Array(pass), specification, pipeline)
        }
        return images
    }

    private func generate(
        _ tasks: [LayoutTask], _ specification: GenerateSpecification, _ pipeline: LayoutToImagePipeline
    ) throws -> [Result<Image, GenerationFailure>] {
        do {
            return try pipeline.generate(
                tasks.map { ImageRequest(prompt: $0.prompt, seed: $0.seed) }, width: specification.width,
                height: specification.height, steps: specification.steps ?? Self.usualSteps,
                guidance: Float(specification.guidance ?? Self.usualGuidance)
            ) { _, _ in
                try Task.checkCancellation()
            }.map { result in
                result.map(\.image).mapError { GenerationFailure($0.description, isPermanent: true) }
            }
        } catch let error as GenerationError {
            // The options are the job's: no other attempt can do better.
            return tasks.map { _ in .failure(GenerationFailure(error.description, isPermanent: true)) }
        }
    }

    /// The sampler of method.md section 4, where a specification leaves it open.
    public static let usualSteps = 50
    /// Guidance scale, likewise.
    public static let usualGuidance = 3.5

    /// How many of `count` tasks fit into one pass; 0 when not even one does.
    private func passSize(_ specification: GenerateSpecification, of count: Int) -> Int {
        (0...count).last { $0 == 0 || estimate(specification, batch: $0) <= memory.bytes } ?? 0
    }

    private func estimate(_ specification: GenerateSpecification, batch: Int) -> Int {
        checkpoint.memoryEstimate(
            batch: batch, width: specification.width, height: specification.height,
            usesGuidance: (specification.guidance ?? Self.usualGuidance) > 1)
    }

    private func tooLarge(_ specification: GenerateSpecification) -> GenerationFailure {
        GenerationFailure(
            "an image of \(specification.width)x\(specification.height) pixels takes about "
                + "\(MemoryBudget.text(estimate(specification, batch: 1))) of memory, found "
                + "\(MemoryBudget.text(memory.bytes)); use a worker with more",
            isPermanent: false)
    }
}
