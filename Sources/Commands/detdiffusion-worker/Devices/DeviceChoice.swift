// The devices that people may name.

import Console
import ErrorLines

/// What `--device` names.
enum DeviceChoice: Hashable, CustomStringConvertible {
    /// The host's processor with this engine's own kernels.
    case cpu
    /// The host's processor with libtorch.
    case torch
    /// A GPU with libtorch, by its place among those that CUDA shows.
    case cuda(Int)

    /// Reads a name; `cuda` is `cuda:0`.
    init(_ name: String) throws(CommandError) {
        switch name {
        case "cpu": self = .cpu
        case "torch": self = .torch
        case "cuda": self = .cuda(0)
        default:
            guard name.hasPrefix("cuda:"), let index = Int(name.dropFirst(5)), (0..<1024).contains(index) else {
                throw CommandError(
                    .usage, "--device: expected cpu, torch, cuda or cuda:N, found \(ErrorLine.quoted(name))")
            }
            self = .cuda(index)
        }
    }

    var description: String {
        switch self {
        case .cpu: "cpu"
        case .torch: "torch"
        case .cuda(let index): "cuda:\(index)"
        }
    }
}
