// The devices of this host: what the contract promises is tested on each of them.

import Foundation
import Processors
public import Tensors
public import TorchDevice

/// Devices that the operations are tested on.
public enum Devices {
    /// The processor with each of its kernels, alone and with several threads: reproducible byte for byte.
    public static let processors: [any Device] =
        [CPUDevice(threads: 1)]
        + ProductKernel.allCases.filter(\.isAvailable).map { CPUDevice(threads: 3, kernel: $0) }

    /// libtorch on the processor, and on the first GPU where there is one; none unless `DETDIFFUSION_TORCH` names it.
    public static let torch: [TorchDevice] = [TorchPrecision.float32, .bfloat16].flatMap(torch)

    /// Those of a precision.
    public static func torch(_ precision: TorchPrecision) -> [TorchDevice] {
        guard let library else { return [] }
        do {
            let gpus = try library.gpus().isEmpty ? [] : [TorchDevice(library, .gpu(0), precision: precision)]
            return try [TorchDevice(library, precision: precision)] + gpus
        } catch {
            fatalError("\(error)")
        }
    }

    /// The libtorch that `DETDIFFUSION_TORCH` names. One that is named and does not open fails all tests.
    public static let library: TorchLibrary? = {
        guard ProcessInfo.processInfo.environment[TorchInstallation.variable] != nil else { return nil }
        do {
            let hasGPU = FileManager.default.fileExists(atPath: "/dev/nvidia0")
            return try TorchLibrary.open(TorchInstallation.find(), forGPUs: hasGPU)
        } catch {
            fatalError("\(error)")
        }
    }()

    /// All of them.
    public static let all: [any Device] = processors + torch

    /// How far a device's numbers may be from the true ones, relative to them, where ours may be `limit` away.
    public static func limit(_ limit: Double, on device: any Device) -> Double {
        if device.facts.isReproducible { return limit }
        // libtorch sums in other orders; a number of bfloat16 has 8 bits.
        return max(limit, device.facts.bytesPerNumber == 4 ? 2e-6 : 1e-2)
    }

    /// Whether the same was computed in two ways: the same bytes on a reproducible device, nearly the same numbers on another.
    public static func areSame(_ found: Tensor, _ expected: Tensor) throws -> Bool {
        let (a, b) = (try found.floats(), try expected.floats())
        if found.device.facts.isReproducible { return a == b }
        let (difference, norm) = zip(a, b).reduce(into: (0.0, 0.0)) { sums, pair in
            let (x, y) = (Double(pair.0), Double(pair.1))
            sums = (sums.0 + (x - y) * (x - y), sums.1 + y * y)
        }
        return found.shape == expected.shape && difference <= norm * square(limit(1e-5, on: found.device))
    }

    private static func square(_ x: Double) -> Double { x * x }

    /// As ``limit(_:on:)`` for numbers near 0, where formulas cancel or results are subnormal.
    public static func least(_ limit: Double, on device: any Device) -> Double {
        if device.facts.isReproducible { return limit }
        return max(limit, device.facts.bytesPerNumber == 4 ? 1e-6 : 1e-4)
    }
}
