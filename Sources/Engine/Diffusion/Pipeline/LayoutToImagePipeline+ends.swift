// Both ends of a generation: what a request asks for, and how latents become a picture.

import Pixels
import Tensors

extension LayoutToImagePipeline {
    /// `[rows, columns, channels]` of the latents for an image; throws where the options do not fit.
    func latentShape(width: Int, height: Int, steps: Int) throws(GenerationError) -> [Int] {
        let factor = checkpoint.autoencoder.factor
        guard width > 0, height > 0, width.isMultiple(of: factor), height.isMultiple(of: factor) else {
            throw GenerationError(
                .options, "cannot generate \(width)x\(height) pixels; choose sides that are multiples of \(factor)")
        }
        let range = checkpoint.scheduler.stepsRange
        guard range.contains(steps) else {
            throw GenerationError(
                .options, "cannot sample in \(steps) steps; choose \(range.lowerBound) to \(range.upperBound)")
        }
        return [height / factor, width / factor, checkpoint.autoencoder.latentChannels]
    }

    /// Tokens and noise of a request.
    func start(_ request: ImageRequest, shape: [Int], solver: DPMSolver) -> Result<Trajectory, GenerationError> {
        Result { () throws(GenerationError) in
            let tokens = try tokens(of: request.prompt)
            let noise = try noise(of: request, shape: shape)
            return Trajectory(tokens: tokens, noise: noise, solver: solver)
        }
    }

    private func tokens(of prompt: ImageRequest.Prompt) throws(GenerationError) -> [Int] {
        let tokenizer = checkpoint.tokenizer
        let tokens =
            switch prompt {
            case .text(let text): tokenizer.encode(text)
            case .tokens(let tokens): tokens
            }
        let size = checkpoint.textEncoder.vocabularySize
        if let unknown = tokens.first(where: { !(0..<size).contains($0) }) {
            throw GenerationError(
                .prompt,
                "the prompt has token \(unknown), the text encoder knows 0 to \(size - 1); "
                    + "take tokenizer and text encoder from one checkpoint")
        }
        do {
            return try tokenizer.padded(tokens)
        } catch {
            throw GenerationError(.prompt, error.description)
        }
    }

    private func noise(of request: ImageRequest, shape: [Int]) throws(GenerationError) -> [Float] {
        guard let given = request.initialLatents else { return GaussianNoise.latents(seed: request.seed, shape: shape) }
        let count = shape.reduce(1, *)
        guard given.count == count, given.allSatisfy(\.isFinite) else {
            throw GenerationError(
                .options,
                "the initial latents are \(given.count) numbers; give \(count) finite ones: "
                    + "\(shape[2]) channels of \(shape[0])x\(shape[1])")
        }
        return LatentOrder.channelsLast(given, channels: shape[2])
    }

    /// The picture of a finished trajectory, or why there is none.
    func decode(
        _ trajectory: Trajectory, shape: [Int], check: () throws -> Void
    ) rethrows -> Result<Picture, GenerationError> {
        if let failure = trajectory.failure { return .failure(failure) }
        // One at a time: the decoder's images are by far the largest.
        let scaled = trajectory.latents.map { $0 / checkpoint.autoencoder.scalingFactor }
        let decoded = try autoencoder.decode(Tensor(scaled, shape: [1] + shape, device: device), check: check)
        let values = decoded.floats()
        guard values.allSatisfy(\.isFinite) else {
            let message = "the decoded image is infinite or not a number; check the weights in vae"
            return .failure(GenerationError(.notFinite, message))
        }
        let image = Image(width: decoded.shape[2], height: decoded.shape[1], pixels: values.map(Self.pixel))
        let latents = LatentOrder.channelsFirst(trajectory.latents, channels: shape[2])
        return .success(Picture(latents: latents, latentShape: [1, shape[2], shape[0], shape[1]], image: image))
    }

    /// -1...1 as 0...255, clipped, halves to even, as diffusers rounds.
    static func pixel(_ value: Float) -> UInt8 {
        UInt8((min(max(value * 0.5 + 0.5, 0), 1) * 255).rounded(.toNearestOrEven))
    }
}
