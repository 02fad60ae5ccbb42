// One picture, computed on its own thread.

import Console
import Diffusion
import Executors
import Tensors

/// What `generate` computes.
struct SingleGeneration: Sendable {
    var checkpoint: Checkpoint
    var request: ImageRequest
    var size: PixelSize
    var steps: Int
    var guidance: Double
    var memory: MemoryBudget
    var device: any Device

    /// Loads and computes: minutes, on the calling thread and the device's. Refuses a picture that does not fit.
    func picture() throws -> Picture {
        let needed = checkpoint.memoryEstimate(
            batch: 1, width: size.width, height: size.height, usesGuidance: guidance > 1, on: device.facts)
        try memory.require(needed, for: "an image of \(size.width)x\(size.height) pixels")
        let pipeline = try LayoutToImagePipeline.load(checkpoint: checkpoint, device: device)
        let progress = ProgressBar(total: steps)
        let results = try pipeline.generate(
            [request], width: size.width, height: size.height, steps: steps, guidance: Float(guidance)
        ) { step, _ in
            progress.show(step)
        }
        progress.finish(" and decoding")
        try checkpoint.requireUntouchedWeights()
        return try results[0].get()
    }
}

/// The thread that a generation blocks, so that the cooperative pool stays free.
actor GenerationThread {
    private let thread = DedicatedThread(name: "generate")

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Computes the picture.
    func run(_ generation: SingleGeneration) throws -> Picture { try generation.picture() }
}
