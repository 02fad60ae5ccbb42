// GPUs as CUDA shows them.

import CTorch
import Foundation
public import Tensors

/// What a GPU is.
public struct TorchGPU: Sendable, Hashable {
    /// As its driver names it, for example `NVIDIA H200`.
    public let name: String
    /// Bytes of its memory.
    public let bytes: Int
    /// Its compute capability, for example `9.0`.
    public let capability: String

    /// The name in lower case, with hyphens.
    var slug: String {
        let words = name.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        return words.isEmpty ? "gpu" : words.joined(separator: "-")
    }
}

extension TorchLibrary {
    /// Whether this host has CUDA's driver, without which there is no GPU.
    public static var hasDriver: Bool {
        guard let driver = unsafe dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL) else { return false }
        unsafe dlclose(driver)
        return true
    }

    /// All GPUs that CUDA shows to this process; none where the library was opened without them.
    public func gpus() throws(DeviceError) -> [TorchGPU] {
        guard hasGPUs else { return [] }
        var count: Int32 = 0
        try call { unsafe functions.gpu_count(&count) }
        return try (0..<Int(count)).map { index throws(DeviceError) in try gpu(index) }
    }

    /// One of them.
    func gpu(_ index: Int) throws(DeviceError) -> TorchGPU {
        var gpu = torch_gpu()
        try call { unsafe functions.describe_gpu(Int32(index), &gpu) }
        let name = unsafe withUnsafeBytes(of: gpu.name) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return TorchGPU(name: name, bytes: Int(gpu.bytes), capability: "\(gpu.major).\(gpu.minor)")
    }
}
