// One picture on its way from noise.

/// The state of one request while its batch is sampled. Every number of a request is its own, so a request that fails
/// leaves its neighbors as they are.
struct Trajectory: Sendable {
    /// Padded token ids.
    let tokens: [Int]
    /// `[rows, columns, channels]`.
    private(set) var latents: [Float]
    private(set) var failure: GenerationError?
    private var solver: DPMSolver

    init(tokens: [Int], noise: [Float], solver: DPMSolver) {
        self.tokens = tokens
        self.solver = solver
        latents = noise.map { $0 * solver.initialNoiseScale }
    }

    /// Ends it.
    mutating func fail(_ error: GenerationError) { failure = failure ?? error }

    /// One step with the guided prediction, unless an earlier step failed.
    mutating func advance(_ prediction: [Float], step: Int, of total: Int) {
        guard failure == nil else { return }
        latents = solver.step(modelOutput: prediction, latents: latents)
        if !latents.allSatisfy(\.isFinite) {
            failure = GenerationError(
                .notFinite,
                "latents became infinite or not a number in step \(step) of \(total); "
                    + "check the checkpoint's weights, or use less guidance")
        }
    }
}

/// Latents in the two orders: channels-last is the networks', channels-first is that of diffusers' files.
enum LatentOrder {
    /// `[rows, columns, channels]` to `[channels, rows, columns]`.
    static func channelsFirst(_ latents: [Float], channels: Int) -> [Float] {
        (0..<channels).flatMap { channel in
            stride(from: channel, to: latents.count, by: channels).map { latents[$0] }
        }
    }

    /// `[channels, rows, columns]` to `[rows, columns, channels]`.
    static func channelsLast(_ latents: [Float], channels: Int) -> [Float] {
        let pixels = latents.count / channels
        return (0..<pixels).flatMap { pixel in (0..<channels).map { latents[$0 * pixels + pixel] } }
    }
}
