// A whole image with a checkpoint: each U-Net call and the decoder.

import Diffusion
import Foundation
import Tensors

/// Times the steps of one image, or of several in one forward pass.
enum ImageTimes {
    static func run(folder: String, rows: Int, columns: Int, batch: Int, steps: Int, threads: Int?) throws {
        let clock = ContinuousClock()
        let opened = clock.now
        let checkpoint = try Checkpoint(folder: folder)
        let pipeline = try LayoutToImagePipeline.load(checkpoint: checkpoint, device: CPUDevice(threads: threads))
        var marks = [clock.now]
        let factor = checkpoint.autoencoder.factor
        let requests = (0..<batch).map { index in
            ImageRequest(prompt: "An image with dog <l0> <l63> [hard]", seed: UInt64(index))
        }
        let results = try pipeline.generate(
            requests, width: columns * factor, height: rows * factor, steps: steps, guidance: 3.5
        ) { _, _ in marks.append(clock.now) }
        let end = clock.now
        for result in results { _ = try result.get() }
        let calls = zip(marks.dropFirst(), marks).map { ($0 - $1) / .seconds(1) }
        let text = calls.map { "\(($0 * 1000).rounded() / 1000)" }.joined(separator: ",")
        print(
            "{\"open\":\((marks[0] - opened) / .seconds(1)),\"unet\":[\(text)],\"decode\":"
                + "\((end - marks[marks.count - 1]) / .seconds(1) / Double(batch)),\"peakMegabytes\":\(peakMegabytes())}"
        )
    }

    /// The most memory that was resident, shared pages of mapped weights included.
    private static func peakMegabytes() -> Int {
        let status = FileManager.default.contents(atPath: "/proc/self/status") ?? Data()
        let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line.flatMap { Int($0.filter(\.isNumber)) }.map { $0 / 1024 } ?? 0
    }
}
