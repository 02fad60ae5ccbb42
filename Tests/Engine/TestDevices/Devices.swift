// The devices of this host: what the contract promises is tested on each of them.

import Processors
public import Tensors

/// Devices that the operations are tested on.
public enum Devices {
    /// The processor with each of its kernels, alone and with several threads.
    public static let all: [any Device] =
        [CPUDevice(threads: 1)]
        + ProductKernel.allCases.filter(\.isAvailable).map { CPUDevice(threads: 3, kernel: $0) }
}
