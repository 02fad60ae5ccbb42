// What computes: the one place that knows devices by name.

import Console
import ErrorLines
import Processors
import Tensors

/// The devices that `--device` may name.
enum DeviceChoice: String, CaseIterable {
    /// The host's processor.
    case cpu

    /// The device of a name, `cpu` without one.
    /// - Parameter threads: how many compute on the host, by default one a core.
    static func device(_ name: String?, threads: Int? = nil) throws -> any Device {
        guard let choice = name.map(DeviceChoice.init(rawValue:)) ?? .cpu else {
            throw CommandError(
                .usage,
                "--device: expected \(allCases.map(\.rawValue).joined(separator: " or ")), found "
                    + ErrorLine.quoted(name ?? ""))
        }
        switch choice {
        case .cpu: return try processor(threads: threads)
        }
    }

    private static func processor(threads: Int?) throws -> CPUDevice {
        guard let threads else { return CPUDevice() }
        guard (1...1024).contains(threads) else {
            throw CommandError(.usage, "--threads: expected 1 to 1024, found \(threads)")
        }
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
