// The golden models, and layers by themselves.

import Diffusion
import Foundation
import Tensors
import TorchDevice
import Weights

extension Check {
    private static let limits: [TorchPrecision: Double] = [.float32: 1e-5, .bfloat16: 2e-2, .float16: 5e-3]

    /// Text encoder, U-Net and decoder of both small models against what diffusers and transformers computed.
    func golden(_ folder: URL) throws -> Bool {
        var holds = true
        for precision in TorchPrecision.allCases {
            let limit = Self.limits[precision] ?? 0
            let device = try device(precision)
            for model in ["sd1", "sd2"] {
                let pipeline = try LayoutToImagePipeline.load(
                    checkpoint: Checkpoint(folder: folder.appending(path: model).path), device: device)
                let recorded = try Recorded(folder.appending(path: "\(model).safetensors").path, device)
                let text = try recorded.tensor("text.hidden")
                var findings = [
                    ("text", pipeline.text(of: try recorded.integers("text.ids")), text),
                    (
                        "decoder", pipeline.decode(try recorded.tensor("vae.latents")),
                        try recorded.tensor("vae.decoded")
                    ),
                ]
                for size in ["even", "odd"] {
                    let timesteps = try recorded.integers("unet.\(size).timesteps").flatMap { $0 }
                    // Told, written down, repeated: all three are to be right.
                    for time in 1...3 {
                        findings.append(
                            (
                                "unet \(size), call \(time)",
                                pipeline.prediction(
                                    try recorded.tensor("unet.\(size).latents"), timesteps: timesteps, text: text),
                                try recorded.tensor("unet.\(size).output")
                            ))
                    }
                }
                for (name, found, expected) in findings {
                    let error = try Self.error(found.floats(), recorded.floats(expected))
                    holds = holds && error <= limit
                    say(
                        "golden \(model) \(name), \(precision)", Self.text(error),
                        error <= limit ? "ok" : "NOT BELOW \(limit)")
                }
            }
        }
        return holds
    }

    /// Relative, in the Euclidean norm.
    static func error(_ found: [Float], _ expected: [Float]) -> Double {
        guard found.count == expected.count else { return .infinity }
        let (difference, norm) = zip(found, expected).reduce(into: (0.0, 0.0)) { sums, pair in
            let (x, y) = (Double(pair.0), Double(pair.1))
            sums = (sums.0 + (x - y) * (x - y), sums.1 + y * y)
        }
        return (difference / norm).squareRoot()
    }

    /// Milliseconds of layers at 57x100 latents, two texts: which of them are far from what their bytes or products take.
    func layers() throws -> Bool {
        let device = try device()
        let (rows, columns, channels) = place == .processor ? (8, 13, 64) : (57, 100, 320)
        let positions = rows * columns
        let x = Tensor(repeating: 0.5, shape: [2, rows, columns, channels], device: device)
        let tokens = x.reshaped([2, positions, channels])
        let scale = Tensor(repeating: 1, shape: [channels], device: device)
        let kernel = Tensor(repeating: 0.01, shape: [channels, channels, 3, 3], device: device)
        let square = Tensor(repeating: 0.01, shape: [channels, channels], device: device)
        let layers: [(String, () -> Tensor)] = [
            (
                "group normalization and SiLU",
                {
                    x.groupNormalization(groups: 32, scale: scale, shift: scale, epsilon: 1e-5, activation: .silu)
                }
            ),
            ("layer normalization", { tokens.layerNormalization(scale: scale, shift: scale, epsilon: 1e-5) }),
            ("3x3 convolution", { x.convolution(kernel, bias: scale, padding: Padding(1)) }),
            ("linear", { tokens.linear(square, bias: scale) }),
            ("self-attention, 8 heads", { Tensor.attention(queries: tokens, keys: tokens, values: tokens, heads: 8) }),
            ("gated GELU", { tokens.gatedGelu() }),
        ]
        for (name, layer) in layers {
            // Ten at once, so that reading one number does not count for much.
            let time = try milliseconds {
                var last = layer()
                for _ in 1..<10 { last = layer() }
                _ = try last.reshaped([last.count]).batch(0..<1).floats()
            }
            say("layer \(name), [2, \(rows), \(columns), \(channels)] \(precision)", "\(Self.text(time / 10)) ms")
        }
        return true
    }
}

/// Recorded tensors of one model.
struct Recorded {
    private let file: WeightFile
    private let device: any Device

    init(_ path: String, _ device: any Device) throws {
        (file, self.device) = (try WeightFile(path: path), device)
    }

    func tensor(_ name: String) throws -> Tensor {
        guard let entry = file.entries[name] else { throw CocoaError(.fileReadCorruptFile) }
        return Tensor(file.floats(of: entry), shape: entry.shape, device: device)
    }

    func integers(_ name: String) throws -> [[Int]] {
        guard let entry = file.entries[name] else { throw CocoaError(.fileReadCorruptFile) }
        let values = file.floats(of: entry).map { Int($0) }
        let size = entry.shape.last ?? 1
        return stride(from: 0, to: values.count, by: size).map { Array(values[$0..<$0 + size]) }
    }

    /// The expected numbers; those of a short precision have been rounded on the way to the device and back.
    func floats(_ tensor: Tensor) throws -> [Float] { try tensor.floats() }
}
