// A checkpoint of full size, stage by stage, beside what ops/reference/run_stages.py recorded of it. By hand:
// DETDIFFUSION_FULL_CHECKPOINT names the folder, DETDIFFUSION_FULL_STAGES the recorded file.

import Foundation
import Pixels
import Tensors
import Testing
import Weights

@testable import Diffusion

@Suite(
    .serialized, .enabled(if: FullSize.isGiven, "DETDIFFUSION_FULL_CHECKPOINT and DETDIFFUSION_FULL_STAGES are not set")
)
struct FullSizeTests {
    @Test func networksGiveTheRecordedStages() throws {
        let full = try FullSize()
        let tokens = try full.tokens()
        let text = try full.tensor("text")
        try expectClose(full.pipeline.textEncoder(tokens), text, "text encoder")
        let unet = full.pipeline.unet
        let context = unet.context(text: text)
        let steps = full.steps
        for (name, step) in [("first", 0), ("last", steps - 1)] where step > 0 || name == "first" {
            let before = try full.tensor(step == 0 ? "latents.initial" : "latents.\(step)")
            let timestep = DPMSolver(full.pipeline.checkpoint.scheduler, steps: steps).timesteps[step]
            let found = unet(before, timesteps: [timestep], context: context)
            try expectClose(found, try full.tensor("unet.\(name)"), "U-Net, \(name) call")
        }
    }

    @Test func autoencoderDecodesAndEncodesAsRecorded() throws {
        let full = try FullSize()
        let latents = try full.tensor("latents.\(full.steps)")
        let factor = full.pipeline.checkpoint.autoencoder.scalingFactor
        let decoded = full.pipeline.autoencoder.decode(try latents.mapped { $0 / factor })
        let expected = try full.tensor("image")
        try expectClose(try decoded.mapped { min(max($0 / 2 + 0.5, 0), 1) }, expected, "decoder")
        let found = try full.pipeline.autoencoder.encode(expected.mapped { $0 * 2 - 1 })
        let moments = try LatentDistribution(moments: full.tensor("moments"))
        #expect(found.shape == moments.shape)
        let mean = relativeError(found.mean, moments.mean)
        let logVariance = relativeError(found.logVariance, moments.logVariance)
        print("relative error of encoder: \(mean), log variance \(logVariance)")
        #expect(mean <= 1e-4 && logVariance <= 1e-4)
    }

    /// The whole way, from the recorded noise and tokens: errors of all steps add up.
    @Test func aWholeGenerationGivesTheRecordedLatentsAndPicture() throws {
        let full = try FullSize()
        let initial = try full.tensor("latents.initial")
        let request = ImageRequest(
            prompt: .tokens(try full.tokens()[1]), seed: 0,
            initialLatents: LatentOrder.channelsFirst(try initial.floats(), channels: initial.channels))
        let factor = full.pipeline.checkpoint.autoencoder.factor
        let picture = try full.pipeline.generate(
            [request], width: initial.shape[2] * factor, height: initial.shape[1] * factor, steps: full.steps,
            guidance: full.guidance())[0].get()
        let latents = LatentOrder.channelsLast(picture.latents, channels: initial.channels)
        let error = relativeError(latents, try full.tensor("latents.\(full.steps)").floats())
        print("relative error of latents after \(full.steps) guided steps: \(error)")
        #expect(error <= 1e-3)
        let ratio = signalToNoise(picture.image.pixels.map { Float($0) / 255 }, try full.tensor("image").floats())
        print("peak signal-to-noise ratio of the picture after \(full.steps) steps: \(ratio) dB")
        #expect(ratio >= 50)
    }
}

/// The checkpoint and the recorded stages that the environment names.
private struct FullSize {
    let pipeline: LayoutToImagePipeline
    private let stages: WeightFile

    static var isGiven: Bool { variable("CHECKPOINT") != nil && variable("STAGES") != nil }

    private static func variable(_ name: String) -> String? {
        ProcessInfo.processInfo.environment["DETDIFFUSION_FULL_" + name]
    }

    init() throws {
        let checkpoint = try Checkpoint(folder: #require(Self.variable("CHECKPOINT")))
        pipeline = try LayoutToImagePipeline.load(checkpoint: checkpoint, device: TestDevice.shared)
        stages = try WeightFile(path: #require(Self.variable("STAGES")))
    }

    /// How many steps were recorded.
    var steps: Int {
        stages.entries.keys.compactMap { $0.hasPrefix("latents.") ? Int($0.dropFirst(8)) : nil }.max() ?? 0
    }

    /// The weight of the prompt that was recorded.
    func guidance() throws -> Float {
        try #require(stages.metadata["guidance"].flatMap { Float($0) }, "no guidance in the stages' metadata")
    }

    /// Of the empty prompt and of the prompt.
    func tokens() throws -> [[Int]] {
        let ids = try tensor("ids")
        return try ids.floats().map { Int($0) }.chunked(ids.channels)
    }

    func tensor(_ name: String) throws -> Tensor {
        let entry = try #require(stages.entries[name], "no stage \(name)")
        return Tensor(stages.floats(of: entry), shape: entry.shape, device: TestDevice.shared)
    }
}

extension Tensor {
    /// The same shape with each number as `change` gives it.
    fileprivate func mapped(_ change: (Float) -> Float) throws -> Tensor {
        Tensor(try floats().map(change), shape: shape, device: TestDevice.shared)
    }
}

/// Peak signal-to-noise ratio of pictures in 0...1, in decibels.
private func signalToNoise(_ found: [Float], _ expected: [Float]) -> Double {
    precondition(found.count == expected.count, "\(found.count) numbers for \(expected.count)")
    let squares = zip(found, expected).reduce(0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
    return -10 * log10(squares / Double(found.count))
}
