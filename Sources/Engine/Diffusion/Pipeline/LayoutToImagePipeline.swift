// From prompts to pictures.

import Pixels
public import Tensors

/// A loaded checkpoint that generates pictures, several in one forward pass.
///
/// The same request gives the same bytes in whatever batch it is computed, on devices that say they are reproducible.
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
        let networks = try CheckpointNetworks(checkpoint, device: device)
        self.checkpoint = checkpoint
        self.device = device
        try checkpoint.requireReadableWeights()
        (textEncoder, unet, autoencoder) = (networks.textEncoder, networks.unet, networks.autoencoder)
        emptyPrompt = try checkpoint.tokenizer.padded(checkpoint.tokenizer.encode(""))
    }

    /// Loads all weights of `checkpoint` onto `device`; float32 files are mapped, others converted.
    ///
    /// - Throws: ``CheckpointError`` with all tensors of all parts that are missing, unexpected or of another shape, or
    ///   when the device could not take them.
    public static func load(
        checkpoint: Checkpoint, device: any Device
    ) throws(CheckpointError) -> LayoutToImagePipeline {
        try LayoutToImagePipeline(checkpoint, device)
    }

    /// Generates one picture a request with DPM-Solver and classifier-free guidance (Ho and Salimans 2022).
    ///
    /// - Parameters:
    ///   - requests: all are computed in one forward pass, or in halves of it where the device runs out of memory.
    ///   - width: pixels across, a multiple of the autoencoder's factor (8 in Stable Diffusion).
    ///   - height: pixels down, likewise.
    ///   - steps: calls of the U-Net.
    ///   - guidance: the weight of the prompt against the empty prompt; up to 1 the empty prompt is not computed.
    ///   - onStep: told after each step how many are done, of how many; what it throws ends the batch.
    ///   - check: asked between the layers of each step and of each decoding; what it throws ends the batch.
    /// - Returns: a picture or its own failure for each request, in order.
    /// - Throws: ``GenerationError`` when the options do not fit the checkpoint, ``CheckpointError`` when weights cannot be
    ///   read any more, ``Tensors/DeviceError`` when the device fails for other reasons than memory, and what `onStep` and
    ///   `check` throw.
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
        var pictures = try decode(trajectories, shape: shape, check: check)[...]
        let results: [Result<Picture, GenerationError>] = starts.map { start in
            switch start {
            case .failure(let error): .failure(error)
            case .success: pictures.removeFirst()
            }
        }
        try checkpoint.requireReadableWeights()
        return results
    }
}
