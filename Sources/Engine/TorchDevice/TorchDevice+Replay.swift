// Repeating what was written down.

import CTorch
import Foundation
public import Tensors

extension TorchDevice {
    /// Whether what the device is told is only written down.
    var isRecording: Bool { recordings?.isRecording ?? false }

    /// Repeats a computation that was written down before.
    public func replay(_ key: ReplayKey, _ inputs: [Tensor]) throws(DeviceError) -> Tensor? {
        guard let recordings else { return nil }
        turn.lock()
        defer { turn.unlock() }
        return try recordings.replay(key, inputs)
    }

    /// Begins to write down a computation that was told once before. Other threads wait until it has ended.
    public func record(_ key: ReplayKey, _ inputs: [Tensor]) throws(DeviceError) -> (any DeviceRecording)? {
        guard let recordings else { return nil }
        turn.lock()
        do {
            // The turn goes to the recording, which ends it.
            if let recording = try recordings.record(key, inputs) { return recording }
        } catch {
            turn.unlock()
            throw error
        }
        turn.unlock()
        return nil
    }

    /// Puts other numbers into an input of a recording.
    func overwrite(_ input: Tensor, with other: Tensor) throws(DeviceError) {
        guard let storage = input.storage as? TorchStorage else { preconditionFailure("an input of another device") }
        var from = unsafe argument(other)
        unsafe try call { context in unsafe library.functions.overwrite(context, &from, storage.handle) }
    }
}
