// A checkpoint's parts and whole images.

import Diffusion
import Foundation
import Processors
import Tensors

/// What is timed: a guided call of the U-Net, decoding one sample, encoding two prompts, or whole images.
enum Stage: String {
    case unet, decode, text, image
}

/// Times one stage in this process, after one call that warms up.
struct ModelTimes {
    let folder: String
    let rows: Int, columns: Int
    let batch: Int, steps: Int, runs: Int
    let threads: Int?

    func run(_ stage: Stage) throws {
        let begin = ContinuousClock.now
        let checkpoint = try Checkpoint(folder: folder)
        let device = CPUDevice(threads: threads)
        let pipeline = try LayoutToImagePipeline.load(checkpoint: checkpoint, device: device)
        let opened = begin.seconds
        let call = try call(stage, pipeline)
        // Memory and weights are touched for the first time; an image does so in one step.
        try (stage == .image ? self.call(stage, pipeline, steps: 1) : call)()
        let times = try (0..<runs).map { _ in
            let start = ContinuousClock.now
            try call()
            return start.seconds
        }.sorted()
        print(
            "{\"seconds\":\(times[runs / 2]),\"all\":\(times),\"open\":\(opened),\"peakMegabytes\":\(peakMegabytes())}")
    }

    /// Where the time of a stage goes, by kind of operation.
    func trace(_ stage: Stage, showsShapes: Bool) throws {
        let device = TracingDevice(CPUDevice(threads: threads), showsShapes: showsShapes)
        let pipeline = try LayoutToImagePipeline.load(checkpoint: try Checkpoint(folder: folder), device: device)
        let call = try call(stage, pipeline)
        try call()
        device.reset()
        let start = ContinuousClock.now
        for _ in 0..<runs { try call() }
        device.report(total: start.seconds, runs: runs)
    }

    private func call(
        _ stage: Stage, _ pipeline: LayoutToImagePipeline, steps: Int? = nil
    ) throws -> () throws -> Void {
        switch stage {
        case .unet:
            let call = pipeline.guidedCall(batch, rows: rows, columns: columns)
            return { try Self.require(call()) }
        case .decode:
            let call = pipeline.decodeCall(rows: rows, columns: columns)
            return { try Self.require(call()) }
        case .text: return { [batch] in try Self.require(pipeline.encodePrompts(2 * batch)) }
        case .image:
            let factor = pipeline.checkpoint.autoencoder.factor
            let requests = (0..<batch).map {
                ImageRequest(prompt: "An image with dog <l0> <l63> [hard]", seed: UInt64($0))
            }
            return { [rows, columns, steps = steps ?? self.steps] in
                let results = try pipeline.generate(
                    requests, width: columns * factor, height: rows * factor, steps: steps, guidance: 3.5)
                for result in results { _ = try result.get() }
            }
        }
    }

    /// What failed was not timed.
    private static func require(_ result: Tensor) throws { if let failure = result.failure { throw failure } }
}
