// The devices that judges' numbers are held against.

import Processors
import Tensors
import TestDevices
import TorchDevice

/// Ours, and libtorch's in float32 where it is: boxes need its digits.
enum GoldenDevices {
    static let all: [any Device] = [CPUDevice(threads: 2)] + Devices.torch(.float32)

    /// Arguments of tests: places in ``all``.
    static let places = Array(all.indices)
}
