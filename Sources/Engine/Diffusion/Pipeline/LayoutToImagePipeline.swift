// From prompts to pictures.

import Pixels
public import Tensors

/// A loaded checkpoint that generates pictures, several in one forward pass.
///
/// The same request gives the same bytes in whatever batch it is computed, on one kind of device.
/// Calls compute on the calling thread and the device's own until they are done: keep them off the cooperative pool.
public final class LayoutToImagePipeline: Sendable {
    /// What was loaded.
    public let checkpoint: Checkpoint
    /// The device that computes.
    public let device: any Device
    let textEncoder: TextEncoder
    let unet: UNet
    let autoencoder: Autoencoder
    /// The padded ids of the empty prompt, which guidance leads away from.
    let emptyPrompt: [Int]

    private init(_ checkpoint: Checkpoint, _ device: any Device) throws(CheckpointError) {
        let networks = try CheckpointNetworks(checkpoint, device: device, loads: true)
        self.checkpoint = checkpoint
        self.device = device
        try checkpoint.requireReadableWeights()
        (textEncoder, unet, autoencoder) = (networks.textEncoder, networks.unet, networks.autoencoder)
        emptyPrompt = try checkpoint.tokenizer.padded(checkpoint.tokenizer.encode(""))
    }

    /// Loads all weights of `checkpoint` onto `device`; float32 files are mapped, others converted.
    ///
    /// - Throws: ``CheckpointError`` with all tensors of all parts that are missing, unexpected or of another shape.
    public static func load(
        checkpoint: Checkpoint, device: any Device
    ) throws(CheckpointError) -> LayoutToImagePipeline {
        try LayoutToImagePipeline(checkpoint, device)
    }

    /// Generates one picture a request with DPM-Solver and classifier-free guidance (Ho and Salimans 2022).
    ///
    /// - Parameters:
    ///   - requests: all are computed in one forward pass.
    ///   - width: pixels across, a multiple of the autoencoder's factor (8 in Stable Diffusion).
    ///   - height: pixels down, likewise.
    ///   - steps: calls of the U-Net.
    ///   - guidance: the weight of the prompt against the empty prompt; up to 1 the empty prompt is not computed.
    ///   - onStep: told after each step how many are done, of how many; what it throws ends the batch.
    ///   - check: asked between the layers of each step and of each decoding; what it throws ends the batch.
    /// - Returns: a picture or its own failure for each request, in order.
    /// - Throws: ``GenerationError`` when the options do not fit the checkpoint, ``CheckpointError`` when weights cannot be
    ///   read any more, and what `onStep` and `check` throw.
    public func generate(
        _ requests: [ImageRequest], width: Int, height: Int, steps: Int, guidance: Float,
        onStep: (_ step: Int, _ total: Int) throws -> Void = { _, _ in }, check given: () throws -> Void = {}
    ) throws -> [Result<Picture, GenerationError>] {
        let shape = try latentShape(width: width, height: height, steps: steps)
        func check() throws {
            try checkpoint.requireReadableWeights()
            try given()
        }
        let solver = DPMSolver(checkpoint.scheduler, steps: steps)
        let starts = requests.map { start($0, shape: shape, solver: solver) }
        // What failed already stays in `starts`; the others are computed as if it had not been asked for.
        var trajectories = starts.compactMap { try? $0.get() }
        if !trajectories.isEmpty {
            try sample(
                &trajectories, shape: shape, timesteps: solver.timesteps, guidance: guidance, check: check,
                onStep: onStep)
        }
        // Sampling and decoding need buffers of other sizes: neither keeps what the other has finished with.
        device.releaseIdleMemory()
        defer { device.releaseIdleMemory() }
        var sampled = trajectories[...]
        let results: [Result<Picture, GenerationError>] = try starts.map { start in
            switch start {
            case .failure(let error): .failure(error)
            case .success: try decode(sampled.removeFirst(), shape: shape, check: check)
            }
        }
        try checkpoint.requireReadableWeights()
        return results
    }

    /// Runs the solver on all trajectories together, until all have failed.
    private func sample(
        _ trajectories: inout [Trajectory], shape: [Int], timesteps: [Int], guidance: Float,
        check: () throws -> Void, onStep: (Int, Int) throws -> Void
    ) throws {
        let isGuided = guidance > 1
        let context = unet.context(text: text(of: trajectories, isGuided: isGuided))
        let size = shape.reduce(1, *)
        for (step, timestep) in timesteps.enumerated() where trajectories.contains(where: { $0.failure == nil }) {
            let latents = trajectories.flatMap(\.latents)
            let outputs = try predict(latents, at: timestep, shape: shape, context: context, check: check)
            let each = outputs.count / trajectories.count
            for index in trajectories.indices {
                var prediction = Array(outputs[index * each..<index * each + size])
                if isGuided {
                    let prompted = outputs[index * each + size..<(index + 1) * each]
                    // epsilon + guidance (epsilon of the prompt - epsilon)
                    prediction = zip(prediction, prompted).map { $0 + guidance * ($1 - $0) }
                }
                trajectories[index].advance(prediction, step: step + 1, of: timesteps.count)
            }
            try onStep(step + 1, timesteps.count)
        }
    }

    /// The U-Net's outputs for samples of `shape` one after the other, all at one timestep; one for each of their texts.
    private func predict(
        _ latents: [Float], at timestep: Int, shape: [Int], context: TextContext, check: () throws -> Void
    ) rethrows -> [Float] {
        let count = latents.count / shape.reduce(1, *)
        let batch = Tensor(latents, shape: [count] + shape, device: device)
        return try unet(
            batch, timesteps: Array(repeating: timestep, count: count), context: context, check: check
        ).floats()
    }

    /// The encoded prompts, `[batch, positions, textWidth]`; with guidance the empty prompt stands before each.
    private func text(of trajectories: [Trajectory], isGuided: Bool) -> Tensor {
        let prompts = textEncoder(trajectories.map(\.tokens))
        guard isGuided else { return prompts }
        let empty = textEncoder([emptyPrompt])
        return Tensor.concatenatingSamples(
            trajectories.indices.flatMap { [empty, prompts.samples($0..<$0 + 1)] })
    }
}
