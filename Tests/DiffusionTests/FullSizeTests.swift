// A checkpoint of full size, stage by stage, beside what ops/reference/run_stages.py recorded of it. By hand:
// DETDIFFUSION_FULL_CHECKPOINT names the folder, DETDIFFUSION_FULL_STAGES the recorded file.

import Foundation
import Tensors
import Testing
import Weights

@testable import Diffusion

@Suite(.enabled(if: FullSize.isGiven, "DETDIFFUSION_FULL_CHECKPOINT and DETDIFFUSION_FULL_STAGES are not set"))
struct FullSizeTests {
    @Test func stagesAreThoseOfTheReference() throws {
        let full = try FullSize()
        let tokens = try full.tensor("ids").floats().map { Int($0) }.chunked(77)
        let text = try full.tensor("text")
        expectClose(full.pipeline.textEncoder(tokens), text, "text encoder")
        let unet = full.pipeline.unet
        let context = unet.context(text: text)
        let steps = full.steps
        for (name, step) in [("first", 0), ("last", steps - 1)] {
            let before = try full.tensor(step == 0 ? "latents.initial" : "latents.\(step)")
            let timestep = DPMSolver(full.pipeline.checkpoint.scheduler, steps: steps).timesteps[step]
            let found = unet(
                .concatenatingSamples([before, before]), timesteps: [timestep, timestep], context: context)
            expectClose(found, try full.tensor("unet.\(name)"), "U-Net, \(name) call")
        }
        let latents = try full.tensor("latents.\(steps)")
        let factor = full.pipeline.checkpoint.autoencoder.scalingFactor
        let scaled = Tensor(latents.floats().map { $0 / factor }, shape: latents.shape, device: TestDevice.shared)
        let decoded = full.pipeline.autoencoder.decode(scaled)
        let image = decoded.floats().map { min(max($0 / 2 + 0.5, 0), 1) }
        expectClose(
            Tensor(image, shape: decoded.shape, device: TestDevice.shared), try full.tensor("image"), "decoder")
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

    func tensor(_ name: String) throws -> Tensor {
        let entry = try #require(stages.entries[name], "no stage \(name)")
        return Tensor(stages.floats(of: entry), shape: entry.shape, device: TestDevice.shared)
    }
}
