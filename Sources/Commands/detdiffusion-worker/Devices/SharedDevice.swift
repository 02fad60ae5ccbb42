// The one device of a worker, which begins when somebody needs it.

import Console
import Tensors
import TorchDevice

/// A device that was asked for. What computes in a worker takes turns, so all share it.
final class SharedDevice {
    private let request: DeviceRequest
    private var device: (any Device)?

    /// Begins with nothing.
    init(_ request: DeviceRequest) { self.request = request }

    /// The device.
    func callAsFunction() throws -> any Device {
        if let device { return device }
        let begun = try request.device()
        device = begun
        return begun
    }

    /// The device, for detectors.
    func forDetectors() throws -> any Device {
        guard request.precision == .float32 else {
            throw CommandError(
                .usage,
                "--precision: detectors compute with float32, since edges of boxes need its digits, found "
                    + "\(request.precision); start a worker of their own for them")
        }
        return try self()
    }
}
