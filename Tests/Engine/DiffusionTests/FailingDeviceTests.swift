// A device that runs out of memory, or fails, while pictures are made.

import Pixels
import Processors
import Synchronization
import Tensors
import TestDevices
import Testing
import TorchDevice

@testable import Diffusion

@Suite struct FailingDeviceTests {
    private static let full = DeviceError(.outOfMemory, "nothing is left")

    private static func requests(_ count: Int) -> [ImageRequest] {
        (0..<count).map { ImageRequest(prompt: .tokens([0, 3 + $0, 2]), seed: UInt64($0)) }
    }

    private static func results(
        _ requests: [ImageRequest], on device: any Device, onStep: (Int, Int) -> Void = { _, _ in }
    ) throws -> [Result<Picture, GenerationError>] {
        let checkpoint = try Checkpoint(folder: GoldenModel.sd1.folder)
        let pipeline = try LayoutToImagePipeline.load(checkpoint: checkpoint, device: device)
        return try pipeline.generate(requests, width: 64, height: 32, steps: 3, guidance: 3.5, onStep: onStep)
    }

    private static let expected = Result { try results(requests(5), on: TestDevice.shared).map { try $0.get() } }

    /// Runs out of memory with more than `most` texts in one attention, or pictures in one upsampling.
    private static func device(most: Int, in name: String, facts: DeviceFacts? = nil) -> FailingDevice {
        FailingDevice(TestDevice.shared, facts: facts) { $0.name == name && $0.batch > most ? full : nil }
    }

    @Test("A batch that does not fit goes on in halves, and gives the same pictures", arguments: [5, 4, 3, 2])
    func halves(most: Int) throws {
        // All texts of all pictures together, so that what fits depends on the batch alone.
        var facts = TestDevice.shared.facts
        facts.positionsTogether = nil
        let device = Self.device(most: most, in: "attention", facts: facts)
        var steps: [Int] = []
        let results = try Self.results(Self.requests(5), on: device) { step, _ in steps.append(step) }
        #expect(try results.map { try $0.get() } == Self.expected.get())
        #expect(steps == [1, 2, 3], "a step is a step of all")
    }

    @Test(
        "So does one on libtorch's device, whose pictures are nearly the same",
        .enabled(if: Devices.library != nil, "needs libtorch: set DETDIFFUSION_TORCH, as ops/test does"))
    func halvesOfLibtorch() throws {
        let torch = Devices.torch(.float32)[0]
        var facts = torch.facts
        facts.positionsTogether = nil
        let cuts = Mutex(0)
        let device = FailingDevice(torch, facts: facts) { operation in
            guard operation.name == "attention", operation.batch > 4 else { return nil }
            cuts.withLock { $0 += 1 }
            return Self.full
        }
        let found = try Self.results(Self.requests(5), on: device).map { try $0.get().image.pixels }
        for (found, expected) in zip(found, try Self.expected.get()) {
            #expect(zip(found, expected.image.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
        }
        #expect(cuts.withLock { $0 } > 0)
    }

    @Test("Decoding goes on in halves, after sampling that was whole", arguments: [4, 2, 1])
    func decoding(most: Int) throws {
        var facts = TestDevice.shared.facts
        facts.positionsTogether = nil
        let decoded = Mutex<[Int]>([])
        let device = FailingDevice(TestDevice.shared, facts: facts) { operation in
            // Only the decoder upsamples as many as there are pictures: the U-Net has two texts each.
            guard operation.name == "upsampleNearest", operation.batch < 10 else { return nil }
            decoded.withLock { $0.append(operation.batch) }
            return operation.batch > most ? Self.full : nil
        }
        let results = try Self.results(Self.requests(5), on: device)
        #expect(try results.map { try $0.get() } == Self.expected.get())
        let fitting = decoded.withLock { $0.filter { $0 <= most } }
        #expect(decoded.withLock { $0.first } == 5 && fitting.max() == (most == 4 ? 2 : most))
    }

    @Test func aPictureThatDoesNotFitAloneFailsInOneLine() throws {
        let device = Self.device(most: 0, in: "convolution")
        let results = try Self.results(Self.requests(3), on: device)
        for result in results {
            let error = #expect(throws: GenerationError.self) { try result.get() }
            #expect(error?.code == .outOfMemory)
            let line = try #require(error?.description)
            #expect(line.hasPrefix("an image of 64x32 pixels does not fit into the memory of cpu-"))
            #expect(line.contains("convolution: [") && line.contains("nothing is left; use a worker with more"))
        }
    }

    @Test("Failures that are not about memory end the batch", arguments: [DeviceError.Code.lost, .failed])
    func others(code: DeviceError.Code) throws {
        let device = FailingDevice(TestDevice.shared) {
            $0.name == "attention" && $0.index > 60 ? DeviceError(code, "the bus has no device") : nil
        }
        let error = #expect(throws: DeviceError.self) { try Self.results(Self.requests(2), on: device) }
        #expect(error?.code == code)
        #expect(error?.description.hasPrefix("attention: queries [") == true)
        #expect(error?.description.hasSuffix(": the bus has no device") == true)
    }

    @Test func weightsThatTheDeviceCannotTakeAreRefusedWhileLoading() throws {
        let device = FailingDevice(TestDevice.shared) { $0.name == "store" && $0.batch > 1000 ? Self.full : nil }
        let error = #expect(throws: CheckpointError.self) { try Self.results(Self.requests(1), on: device) }
        #expect(error?.code == .device)
        #expect(error?.description.contains("the device cannot take its weights: store [") == true)
    }
}
