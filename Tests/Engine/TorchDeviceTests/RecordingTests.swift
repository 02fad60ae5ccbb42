// Computations that are written down and repeated: what stands in their inputs, who owns their results, and what ends them. CUDA
// writes down for real; here a stand-in computes again, so that all around it runs without a GPU.

import Foundation
import Synchronization
import TestDevices
import Testing

@testable import Tensors
@testable import TorchDevice

/// Graphs whose repetition is a closure of the test's.
private final class StandIn: TorchGraphs {
    struct State {
        var begun = 0, ended = 0, replayed = 0, released = 0
        var failure: (at: String, error: DeviceError)?
        /// Computes from a recording's inputs into its result.
        var compute: () throws -> Void = {}
    }

    let state = Mutex(State())

    private func pass(_ name: String, _ count: (inout State) -> Void) throws(DeviceError) {
        let failure = state.withLock { state in
            count(&state)
            return state.failure
        }
        if let failure, failure.at == name { throw failure.error }
    }

    func begin() throws(DeviceError) -> TorchGraph {
        try pass("begin") { $0.begun += 1 }
        return TorchGraph(address: nil)
    }
    func end(_ graph: TorchGraph) throws(DeviceError) { try pass("end") { $0.ended += 1 } }
    func replay(_ graph: TorchGraph) throws(DeviceError) {
        try pass("replay") { $0.replayed += 1 }
        let compute = state.withLock { $0.compute }
        do { try compute() } catch { throw DeviceError(.failed, "\(error)") }
    }
    func release(_ graph: TorchGraph) { state.withLock { $0.released += 1 } }
}

extension StandIn.State: @unchecked Sendable {}

@Suite(.enabled(if: Devices.library != nil, "needs libtorch: set DETDIFFUSION_TORCH, as ops/test does"))
final class RecordingTests {
    private final class Owner: Sendable {}

    private let graphs = StandIn()
    private let device: TorchDevice
    private let owner = Owner()
    private let bodies = Mutex(0)

    init() throws {
        device = try TorchDevice(#require(Devices.library))
        device.prepare(graphs)
    }

    private func tensor(_ values: Float...) -> Tensor { Tensor(values, shape: [values.count], device: device) }

    /// `2x + y`, as something that is repeated.
    private func run(_ x: Tensor, _ y: Tensor, version: Int = 0) -> Tensor {
        let key = ReplayKey(owner: owner, version: version, shapes: [x.shape, y.shape])
        return Tensor.replaying(key, [x, y], shape: x.shape) { inputs in
            bodies.withLock { $0 += 1 }
            let result = inputs[0] + inputs[0] + inputs[1]
            // The stand-in's repetition: the same once more, into the same memory.
            let device = device
            graphs.state.withLock { state in
                state.compute = { try device.overwrite(result, with: inputs[0] + inputs[0] + inputs[1]) }
            }
            return result
        }
    }

    @Test func theFirstTimeIsPlainTheSecondIsWrittenDownAndTheThirdIsRepeated() throws {
        let y = tensor(10, 20)
        let first = run(tensor(1, 2), y)
        #expect(try first.floats() == [12, 24] && graphs.state.withLock { $0.begun } == 0)
        let second = run(tensor(3, 4), y)
        #expect(try second.floats() == [16, 28])
        #expect(graphs.state.withLock { $0.begun == 1 && $0.ended == 1 && $0.replayed == 1 })
        let third = run(tensor(5, 6), y)
        #expect(try third.floats() == [20, 32])
        #expect(try run(tensor(5, 6), tensor(0, 1)).floats() == [10, 13])
        #expect(bodies.withLock { $0 } == 2 && graphs.state.withLock { $0.replayed } == 3)
        #expect(try second.floats() == [16, 28], "a result is its receiver's, whatever is repeated later")
    }

    @Test func anotherShapeVersionOrOwnerIsAnotherComputation() throws {
        for _ in 0..<2 { _ = run(tensor(1), tensor(2)) }
        #expect(try run(tensor(1, 1), tensor(2, 3)).floats() == [4, 5] && bodies.withLock { $0 } == 3)
        #expect(try run(tensor(1), tensor(2), version: 1).floats() == [4] && bodies.withLock { $0 } == 4)
        #expect(try run(tensor(1), tensor(2)).floats() == [4] && bodies.withLock { $0 } == 4)
    }

    @Test func aPartOfAStorageIsAnotherInputThanTheNextPart() throws {
        let all = Tensor([1, 2, 3, 4], shape: [4], device: device)
        let parts = [0..<1, 1..<2, 2..<3, 3..<4].map { all.batch($0) }
        #expect(try parts.map { try run($0, tensor(0)).floats()[0] } == [2, 4, 6, 8])
        #expect(bodies.withLock { $0 } == 2)
    }

    @Test func onlyTheLatestAreKept() throws {
        for size in 1...TorchRecordings.most + 2 {
            let x = Tensor(repeating: 1, shape: [size], device: device)
            for _ in 0..<2 { _ = run(x, x) }
        }
        #expect(graphs.state.withLock { $0.begun == TorchRecordings.most + 2 && $0.released == 2 })
    }

    @Test(arguments: ["begin", "end"])
    func whatCannotBeWrittenDownIsComputed(at place: String) throws {
        graphs.state.withLock { $0.failure = (place, DeviceError(.failed, "not in a graph")) }
        let (x, y) = (tensor(1), tensor(5))
        #expect(try run(x, y).floats() == [7])
        if place == "end" {
            #expect(try run(x, y).floats() == [7], "computed again, by itself")
            let count = bodies.withLock { $0 }
            #expect(try run(x, y).floats() == [7] && bodies.withLock { $0 } == count + 1, "and not tried again")
            #expect(graphs.state.withLock { $0.begun == 1 && $0.released == 1 })
        } else {
            #expect(try run(x, y).floats() == [7])
        }
        #expect(!device.isRecording)
    }

    @Test func memoryThatIsMissingFreesRecordingsAndIsTold() throws {
        for _ in 0..<2 { _ = run(tensor(1), tensor(2)) }
        #expect(Tensor(repeating: 1, shape: [1 << 45], device: device).failure?.code == .outOfMemory)
        #expect(graphs.state.withLock { $0.released } == 1)
        graphs.state.withLock { $0.failure = ("begin", DeviceError(.outOfMemory, "nothing is left")) }
        let (x, y) = (tensor(1, 2, 3), tensor(1, 2, 3))
        _ = run(x, y)
        let error = #expect(throws: DeviceError.self) { try run(x, y).floats() }
        #expect(error?.description == "repeat with [3]: nothing is left" && error?.code == .outOfMemory)
        #expect(try run(tensor(1), tensor(2)).floats() == [4])
    }

    @Test func aComputationThatIsEndedMidwayLeavesTheDeviceAsItWas() throws {
        struct Stop: Error {}
        let key = ReplayKey(owner: owner, version: 7, shapes: [])
        func attempt() throws -> Tensor {
            try Tensor.replaying(key, [tensor(1)], shape: [1]) { _ in throw Stop() }
        }
        for _ in 0..<3 { #expect(throws: Stop.self) { try attempt() } }
        #expect(!device.isRecording && graphs.state.withLock { $0.begun == $0.released && $0.begun > 0 })
        // Another thread gets its turn.
        let (x, y) = (tensor(1), tensor(2))
        let result = Mutex<[Float]>([])
        DispatchQueue.concurrentPerform(iterations: 2) { index in
            let sum = Result { () throws(DeviceError) in try (x + y).floats() }
            if index == 0 { result.withLock { $0 = (try? sum.get()) ?? [] } }
        }
        #expect(result.withLock { $0 } == [3])
    }

    @Test func failedInputsAreNotAskedOf() throws {
        let failed = Tensor(failure: DeviceError(.outOfMemory, "nothing is left"), shape: [1], device: device)
        for _ in 0..<3 { #expect(run(failed, tensor(1)).failure?.code == .outOfMemory) }
        #expect(graphs.state.withLock { $0.begun } == 0)
    }
}
