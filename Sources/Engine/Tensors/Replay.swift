// Computations that are the same again and again, with other numbers: a device may write one down, and repeat it at once.

/// Names a computation that its owner repeats: the same operations in the same order, with the same weights, whenever the key is
/// the same.
public struct ReplayKey: Hashable, Sendable {
    /// Whose computation it is. The key keeps it alive, so that nobody else has its identity meanwhile.
    public let owner: any AnyObject & Sendable
    /// Grows when a weight is replaced.
    public let version: Int
    /// The shapes of all inputs, and whatever else decides which operations there are.
    public let shapes: [[Int]]

    /// A computation of `owner`.
    public init(owner: any AnyObject & Sendable, version: Int, shapes: [[Int]]) {
        (self.owner, self.version, self.shapes) = (owner, version, shapes)
    }

    /// By the owner's identity.
    public static func == (a: ReplayKey, b: ReplayKey) -> Bool {
        a.owner === b.owner && a.version == b.version && a.shapes == b.shapes
    }

    /// By the owner's identity.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(owner))
        hasher.combine(version)
        hasher.combine(shapes)
    }
}

/// A computation that is being written down: from its beginning to ``finish(_:)`` or ``abandon()`` the device computes nothing.
public protocol DeviceRecording: AnyObject {
    /// What to compute with instead of the inputs that were given.
    var inputs: [Tensor] { get }
    /// Ends the recording, and computes it for the inputs that were given.
    /// - Parameter result: what the computation led to; it holds no numbers before.
    func finish(_ result: Tensor) throws(DeviceError) -> Tensor
    /// Ends it without a result.
    func abandon()
}

extension Device {
    /// Nothing was written down.
    public func replay(_ key: ReplayKey, _ inputs: [Tensor]) throws(DeviceError) -> Tensor? { nil }
    /// Nothing is written down.
    public func record(_ key: ReplayKey, _ inputs: [Tensor]) throws(DeviceError) -> (any DeviceRecording)? { nil }
}

extension Tensor {
    /// The result of `body`, which the inputs' device may write down, and repeat for other inputs without asking `body`.
    ///
    /// - Parameters:
    ///   - key: names the computation.
    ///   - inputs: all that differs from one time to the next, of one device; at least one.
    ///   - shape: the result's.
    ///   - body: computes with the inputs that it is given. It reads no numbers, and stores none.
    public static func replaying(
        _ key: ReplayKey, _ inputs: [Tensor], shape: [Int], _ body: ([Tensor]) throws -> Tensor
    ) rethrows -> Tensor {
        let device = inputs[0].device
        // What has failed already fails in the body, too, and says where.
        guard inputs.allSatisfy({ $0.failure == nil }) else { return try body(inputs) }
        let recording: (any DeviceRecording)?
        do {
            if let result = try device.replay(key, inputs) { return result }
            recording = try device.record(key, inputs)
        } catch {
            return Tensor(failure: error.during("repeat with \(inputs[0].shape)"), shape: shape, device: device)
        }
        guard let recording else { return try body(inputs) }
        let written: Tensor
        do {
            written = try body(recording.inputs)
        } catch {
            recording.abandon()
            throw error
        }
        guard written.failure == nil else {
            recording.abandon()
            // What can be computed but not be written down is computed.
            return written.failure?.code == .failed ? try body(inputs) : written
        }
        do {
            return try recording.finish(written)
        } catch {
            if error.code == .failed { return try body(inputs) }
            return Tensor(failure: error.during("repeat with \(inputs[0].shape)"), shape: shape, device: device)
        }
    }
}
