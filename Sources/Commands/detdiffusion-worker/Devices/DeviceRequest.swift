// From a name to a device that computes.

import Console
import Processors
import Tensors
import TorchDevice

/// A device that somebody asked for.
struct DeviceRequest {
    var choice: DeviceChoice
    /// Of libtorch's devices.
    var precision = TorchPrecision.float32
    /// The folder of libtorch, where it was named.
    var torch: String?
    /// How many compute on the processor; by default one a core.
    var threads: Int?

    /// Begins with it. What is missing is one line with the fix.
    func device() throws -> any Device {
        if let threads, !(1...1024).contains(threads) {
            throw CommandError(.usage, "--threads: expected 1 to 1024, found \(threads)")
        }
        switch choice {
        case .cpu: return try processor()
        case .torch:
            return try TorchDevice(library(forGPUs: false), .processor, precision: precision, threads: threads)
        case .cuda(let index): return try gpu(index)
        }
    }

    /// The library, opened.
    func library(forGPUs: Bool) throws -> TorchLibrary {
        do throws(TorchError) {
            return try TorchLibrary.open(TorchInstallation.find(flag: torch), forGPUs: forGPUs)
        } catch {
            throw CommandError(.unavailable, "--device \(choice): \(error)")
        }
    }

    /// Refuses a host that can have none.
    func requireGPU() throws {
        guard TorchLibrary.hasDriver else {
            throw CommandError(
                .unavailable,
                "--device \(choice): expected a GPU, found no CUDA driver (libcuda.so.1) on this host; use --device torch or cpu"
            )
        }
    }

    private func gpu(_ index: Int) throws -> TorchDevice {
        try requireGPU()
        let library = try library(forGPUs: true)
        let count = try library.gpus().count
        guard index < count else {
            throw CommandError(
                .unavailable,
                count == 0
                    ? "--device \(choice): expected a GPU, found none that CUDA shows to this process; see nvidia-smi and "
                        + "CUDA_VISIBLE_DEVICES"
                    : "--device \(choice): expected one of \(count) GPUs, cuda:0 to cuda:\(count - 1)")
        }
        let device = try TorchDevice(library, .gpu(index), precision: precision)
        do throws(TorchError) {
            try device.prepareGraphs()
        } catch {
            throw CommandError(.unavailable, "--device \(choice): \(error)")
        }
        return device
    }

    private func processor() throws -> CPUDevice {
        guard let threads else { return CPUDevice() }
        let device = CPUDevice(threads: threads)
        guard device.threads == threads else {
            throw CommandError(
                .unavailable,
                "--threads: expected \(threads), found that the system starts no more than \(device.threads); "
                    + "ask for fewer, or raise its limit of processes")
        }
        return device
    }
}
