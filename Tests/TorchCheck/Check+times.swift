// Times of a checkpoint's U-Net and of whole images, graphs beside plain calls, and what happens without memory.

import Diffusion
import Foundation
import Tensors
import TorchDevice

extension Check {
    private func pipeline(_ folder: String, on device: TorchDevice) throws -> LayoutToImagePipeline {
        try LayoutToImagePipeline.load(checkpoint: Checkpoint(folder: folder), device: device)
    }

    /// A guided call for each size, plain and repeated; both give the same numbers.
    func unet(_ folder: String, _ sizes: [(rows: Int, columns: Int)]) throws -> Bool {
        var holds = true
        let devices = [try device(graphs: false)] + (place == .processor ? [] : [try device()])
        let pipelines = try devices.map { try pipeline(folder, on: $0) }
        for size in sizes {
            var results: [[Float]] = []
            for (index, pipeline) in pipelines.enumerated() {
                let call = pipeline.guidedCall(batch, rows: size.rows, columns: size.columns)
                let time = try milliseconds { results.append(try call().floats()) }
                say(
                    "unet \(size.rows)x\(size.columns), \(batch) guided, \(precision)\(index == 0 ? "" : ", graph")",
                    "\(Self.text(time)) ms")
            }
            // cuDNN may choose other algorithms for other calls.
            let worst = results.map { Self.error($0, results[0]) }.max() ?? 0
            let isSame = worst <= (precision == .float32 ? 1e-5 : 1e-2)
            holds = holds && isSame
            say("unet \(size.rows)x\(size.columns), calls differ by", Self.text(worst), isSame ? "ok" : "NOT THE SAME")
        }
        return holds
    }

    /// Whole images, as a worker makes them.
    func image(_ folder: String, _ size: (rows: Int, columns: Int)) throws -> Bool {
        let device = try device()
        let pipeline = try pipeline(folder, on: device)
        let time = try generate(pipeline, size, warm: true)
        say(
            "image \(size.columns * 8)x\(size.rows * 8), \(batch) together, \(steps) steps, \(precision)",
            "\(Self.text(Double(batch) / time)) images/s", "\(Self.text(time)) s")
        return true
    }

    /// Seconds for a batch; throws where one of its images fails.
    private func generate(
        _ pipeline: LayoutToImagePipeline, _ size: (rows: Int, columns: Int), warm: Bool
    ) throws -> Double {
        let requests = (0..<batch).map { ImageRequest(prompt: "", seed: UInt64($0)) }
        let factor = pipeline.checkpoint.autoencoder.factor
        func run(_ steps: Int) throws {
            for result in try pipeline.generate(
                requests, width: size.columns * factor, height: size.rows * factor, steps: steps, guidance: 3.5)
            { _ = try result.get() }
        }
        if warm { try run(3) }
        let start = ContinuousClock.now
        try run(steps)
        return (ContinuousClock.now - start) / .seconds(1)
    }

    /// Nothing can be that large; then, with most of the memory taken, a batch goes on in halves.
    func memory(_ folder: String, _ size: (rows: Int, columns: Int)) throws -> Bool {
        let device = try device()
        let error = Tensor(repeating: 1, shape: [1 << 45], device: device).failure
        var holds = error?.code == .outOfMemory
        say(
            "memory, 2^45 numbers", error?.code.rawValue ?? "stored",
            holds ? "ok" : "NOT REFUSED: \(error?.description ?? "")")
        guard place != .processor else { return holds }
        let pipeline = try pipeline(folder, on: device)
        let one =
            pipeline.checkpoint.memoryEstimate(
                batch: 1, width: size.columns * 8, height: size.rows * 8, on: device.facts)
            - pipeline.checkpoint.weightBytes(on: device.facts)
        // Twice what one image takes is left, for a batch of many.
        var filling: [Tensor] = []
        while device.freeBytes > 2 * one + (1 << 30) {
            let bytes = min(device.freeBytes - 2 * one, 8 << 30)
            let part = Tensor(repeating: 0, shape: [bytes / precision.bytesOfNumber], device: device)
            guard part.failure == nil else { break }
            filling.append(part)
        }
        say("memory, left for a batch", "\(device.freeBytes >> 20) MB", "one image takes about \(one >> 20) MB")
        do {
            let time = try generate(pipeline, size, warm: false)
            say("memory, \(batch) images in it", "\(Self.text(time)) s", "ok")
        } catch {
            holds = false
            say("memory, \(batch) images in it", "failed", "\(error)")
        }
        withExtendedLifetime(filling) {}
        return holds
    }
}

extension TorchPrecision {
    /// Bytes of a stored number.
    var bytesOfNumber: Int { self == .float32 ? 4 : 2 }
}
