// What a device has written down so far, and repeats.

import Foundation
import Tensors

/// A device's recordings, the ones last used first. A computation is told operation by operation the first time, so that the
/// library has chosen its algorithms; written down the second time; and repeated from then on.
final class TorchRecordings: @unchecked Sendable {
    // Sendable: the device's turn is held by whoever calls.
    private unowned let device: TorchDevice
    let graphs: any TorchGraphs
    private var recordings: [TorchRecording] = []
    /// Computations that were told once.
    private var seen: [ReplayKey] = []
    /// Those that could not be written down.
    private var refused: Set<ReplayKey> = []
    private var current: TorchRecording?

    /// Each recording keeps the memory of its whole computation.
    static let most = 4

    init(_ graphs: any TorchGraphs, device: TorchDevice) { (self.graphs, self.device) = (graphs, device) }

    /// Which recording is being written, so that what it makes can be told from what it needs.
    var isRecording: Bool { current != nil }

    /// Keeps what a recording reads as long as it lives.
    func note(_ storage: TorchStorage) {
        guard let current, !storage.isRecorded else { return }
        current.keep(storage)
    }

    func replay(_ key: ReplayKey, _ inputs: [Tensor]) throws(DeviceError) -> Tensor? {
        guard let index = recordings.firstIndex(where: { $0.key == key }) else { return nil }
        recordings.insert(recordings.remove(at: index), at: 0)
        return try recordings[0].replay(inputs)
    }

    func record(_ key: ReplayKey, _ inputs: [Tensor]) throws(DeviceError) -> TorchRecording? {
        guard current == nil, !refused.contains(key) else { return nil }
        guard let index = seen.firstIndex(of: key) else {
            seen = [key] + seen.prefix(2 * Self.most)
            return nil
        }
        seen.remove(at: index)
        do {
            let recording = try TorchRecording(key, inputs, of: self, on: device)
            current = recording
            return recording
        } catch {
            guard error.code == .failed else { throw error }
            refused.insert(key)
            return nil
        }
    }

    /// Ends the current recording; one that failed is not tried again.
    func end(_ recording: TorchRecording, isWhole: Bool) {
        current = nil
        guard isWhole else {
            refused.insert(recording.key)
            return
        }
        recordings = [recording] + recordings.prefix(Self.most - 1)
    }

    /// Ends one that nobody wants any more; it may be tried again.
    func forget(_ recording: TorchRecording) {
        current = nil
        seen.insert(recording.key, at: 0)
        // It may have run out of memory, which could not be freed meanwhile.
        removeAll()
    }

    /// Frees all of them: a device that has run out of memory needs it more.
    func removeAll() { recordings = [] }
}

/// One computation, written down.
final class TorchRecording: DeviceRecording, @unchecked Sendable {
    // Sendable: as the recordings it belongs to.
    let key: ReplayKey
    let inputs: [Tensor]
    private unowned let device: TorchDevice
    private unowned let recordings: TorchRecordings
    private let graphs: any TorchGraphs
    private let graph: TorchGraph
    /// What stands in ``inputs`` now, as it was given.
    private var given: [Tensor]
    private var kept: [ObjectIdentifier: TorchStorage] = [:]
    private var result: Tensor?

    /// Copies the inputs to where the graph will read them, and begins.
    init(
        _ key: ReplayKey, _ inputs: [Tensor], of recordings: TorchRecordings, on device: TorchDevice
    ) throws(DeviceError) {
        (self.key, given, self.device, self.recordings) = (key, inputs, device, recordings)
        graphs = recordings.graphs
        var copies: [Tensor] = []
        for input in inputs { copies.append(try device.concatenateBatches([input])) }
        self.inputs = copies
        graph = try graphs.begin()
    }

    deinit { graphs.release(graph) }

    func keep(_ storage: TorchStorage) { kept[ObjectIdentifier(storage)] = storage }

    func finish(_ result: Tensor) throws(DeviceError) -> Tensor {
        defer { device.turn.unlock() }
        do {
            try graphs.end(graph)
        } catch {
            recordings.end(self, isWhole: false)
            throw error
        }
        self.result = result
        recordings.end(self, isWhole: true)
        try graphs.replay(graph)
        return try device.concatenateBatches([result])
    }

    func abandon() {
        // A capture that was cut short need not end well.
        _ = Result { () throws(DeviceError) in try graphs.end(graph) }
        recordings.forget(self)
        device.turn.unlock()
    }

    /// The result for other inputs, in memory of its own.
    func replay(_ inputs: [Tensor]) throws(DeviceError) -> Tensor {
        guard let result else { preconditionFailure("a recording without a result is repeated") }
        for (index, input) in inputs.enumerated()
        where given[index].storage !== input.storage || given[index].offset != input.offset {
            try device.overwrite(self.inputs[index], with: input)
            given[index] = input
        }
        try graphs.replay(graph)
        return try device.concatenateBatches([result])
    }
}
