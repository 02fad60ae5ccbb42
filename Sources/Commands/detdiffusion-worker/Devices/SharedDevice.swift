// The one device of a worker, which begins when somebody needs it.

import Tensors
import TorchDevice

/// A device that was asked for. What computes in a worker takes turns, so all share it.
final class SharedDevice {
    private let request: DeviceRequest
    private var device: (any Device)?
    private var exact: (any Device)?

    /// Begins with nothing.
    init(_ request: DeviceRequest) { self.request = request }

    /// The device.
    func callAsFunction() throws -> any Device {
        if let device { return device }
        let begun = try request.device()
        device = begun
        return begun
    }

    /// The same place with float32, for detectors: the edges of boxes need its digits.
    func forDetectors() throws -> any Device {
        if request.precision == .float32 { return try self() }
        if let exact { return exact }
        var request = request
        request.precision = .float32
        let begun = try request.device()
        exact = begun
        return begun
    }
}
