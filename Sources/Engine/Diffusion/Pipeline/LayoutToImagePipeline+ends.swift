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

    /// The pictures of finished trajectories, or why there are none. As many are decoded together as the device likes, half as
    /// many where it runs out of memory: the decoder's images are by far the largest.
    func decode(
        _ trajectories: [Trajectory], shape: [Int], check: () throws -> Void
    ) throws -> [Result<Picture, GenerationError>] {
        var pictures: [Result<Picture, GenerationError>] = []
        let (rows, columns, factor) = (shape[0], shape[1], checkpoint.autoencoder.factor)
        var together = checkpoint.autoencoder.imagesTogether(
            width: columns * factor, height: rows * factor, on: device.facts)
        var waiting = trajectories.filter { $0.failure == nil }.map(\.latents)[...]
        while !waiting.isEmpty {
            let part = waiting.prefix(together)
            do {
                pictures += try decode(Array(part), shape: shape, check: check)
                waiting = waiting.dropFirst(part.count)
            } catch let error as DeviceError where error.code == .outOfMemory {
                device.releaseIdleMemory()
                together = max(1, part.count / 2)
                guard part.count == 1 else { continue }
                pictures.append(.failure(doesNotFit(shape, error)))
                waiting = waiting.dropFirst()
            }
        }
        var decoded = pictures[...]
        return trajectories.map { $0.failure.map(Result.failure) ?? decoded.removeFirst() }
    }

    private func decode(
        _ latents: [[Float]], shape: [Int], check: () throws -> Void
    ) throws -> [Result<Picture, GenerationError>] {
        let scaled = Tensor(
            latents.joined().map { $0 / checkpoint.autoencoder.scalingFactor }, shape: [latents.count] + shape,
            device: device)
        let decoded = try autoencoder.decode(scaled, check: check)
        let values = try decoded.floats()
        let each = values.count / latents.count
        return latents.enumerated().map { index, latents in
            let values = values[index * each..<(index + 1) * each]
            guard values.allSatisfy(\.isFinite) else {
                let message = "the decoded image is infinite or not a number; check the weights in vae"
                return .failure(GenerationError(.notFinite, message))
            }
            let image = Image(width: decoded.shape[2], height: decoded.shape[1], pixels: values.map(Self.pixel))
            return .success(
                Picture(
                    latents: LatentOrder.channelsFirst(latents, channels: shape[2]),
                    latentShape: [1, shape[2], shape[0], shape[1]], image: image))
        }
    }

    /// The error for a picture that does not fit on the device even when it is computed alone.
    func doesNotFit(_ shape: [Int], _ error: DeviceError) -> GenerationError {
        let factor = checkpoint.autoencoder.factor
        return GenerationError(
            .outOfMemory,
            "an image of \(shape[1] * factor)x\(shape[0] * factor) pixels does not fit into the memory of "
                + "\(device.facts.name), even alone: \(error); use a worker with more")
    }

    /// -1...1 as 0...255, clipped, halves to even, as diffusers rounds.
    static func pixel(_ value: Float) -> UInt8 {
        UInt8((min(max(value * 0.5 + 0.5, 0), 1) * 255).rounded(.toNearestOrEven))
    }
}
