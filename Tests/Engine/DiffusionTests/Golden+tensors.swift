// The golden tensors and models that tests compare and compute with.

import Foundation
import Processors
import Tensors
import TestDevices
import Testing
import TorchDevice
import Weights

@testable import Diffusion

/// The checkpoints whose activations Golden/write_golden.py recorded.
enum GoldenModel: String, CaseIterable, CustomTestStringConvertible {
    case sd1, sd2

    /// The checkpoint's folder.
    var folder: String { Golden.folder.appending(path: rawValue).path }

    var testDescription: String { rawValue }

    /// One of the recorded tensors.
    func tensor(_ name: String, device: any Device = TestDevice.shared) throws -> Tensor {
        let file = try WeightFile(path: "\(folder).safetensors")
        let entry = try #require(file.entries[name], "no golden tensor \(name)")
        return Tensor(file.floats(of: entry), shape: entry.shape, device: device)
    }

    /// One of the recorded tensors of whole numbers, row by row.
    func integers(_ name: String) throws -> [[Int]] {
        let tensor = try tensor(name)
        return try tensor.floats().map { Int($0) }.chunked(tensor.channels)
    }

    /// The loaded checkpoint.
    func pipeline(on device: any Device = TestDevice.shared) throws -> LayoutToImagePipeline {
        try LayoutToImagePipeline.load(checkpoint: Checkpoint(folder: folder), device: device)
    }
}

/// One device for all tests: its threads are the machine's cores.
enum TestDevice {
    static let shared = CPUDevice()
    /// What the recorded numbers are held against: ours, and libtorch with all number formats where it is.
    static let golden: [any Device] = [shared] + TorchPrecision.allCases.flatMap(Devices.torch)
}

extension Device {
    /// How far a network's numbers may be from the recorded ones, which are float32's.
    var goldenLimit: Double {
        guard let torch = self as? TorchDevice else { return 1e-5 }
        switch torch.precision {
        case .float32: return 1e-5
        case .bfloat16: return 2e-2
        case .float16: return 5e-3
        }
    }
}

extension Array {
    /// Runs of `size` elements.
    func chunked(_ size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<$0 + size]) }
    }
}

/// How far `found` is from `expected`, relative to it, in the Euclidean norm.
func relativeError(_ found: [Float], _ expected: [Float]) -> Double {
    precondition(found.count == expected.count, "\(found.count) numbers for \(expected.count)")
    let difference = zip(found, expected).reduce(0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
    let norm = expected.reduce(0) { $0 + pow(Double($1), 2) }
    return (difference / norm).squareRoot()
}

/// Expects the same shape and nearly the same numbers; the figure is printed, so that a drift within the limit shows.
func expectClose(
    _ found: Tensor, _ expected: Tensor, within limit: Double = 1e-4, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    #expect(found.shape == expected.shape, sourceLocation: sourceLocation)
    guard found.shape == expected.shape else { return }
    let error = relativeError(try found.floats(), try expected.floats())
    print("relative error of \(what): \(error)")
    #expect(error <= limit, "\(what)", sourceLocation: sourceLocation)
}

extension UNet {
    /// A pass that nothing ends early.
    func callAsFunction(_ latents: Tensor, timesteps: [Int], context: TextContext) -> Tensor {
        self(latents, timesteps: timesteps, context: context, check: {})
    }
}

extension Autoencoder {
    /// A decoding that nothing ends early.
    func decode(_ latents: Tensor) -> Tensor { decode(latents, check: {}) }
}
