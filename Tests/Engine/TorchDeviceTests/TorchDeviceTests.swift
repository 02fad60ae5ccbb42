// What libtorch's devices promise beside the numbers: memory, failures, names, callers.

import Foundation
import Synchronization
import Tensors
import TestDevices
import Testing
import TorchDevice

@Suite(.enabled(if: Devices.library != nil, "needs libtorch: set DETDIFFUSION_TORCH, as ops/test does"))
struct TorchDeviceTests {
    private let device = Devices.torch(.float32)[0]

    @Test func itsNameIsThatOfLibraryPlaceAndPrecision() throws {
        let version = try #require(Devices.library).installation.version
        #expect(device.facts.name == "torch-\(version)-cpu-float32")
        let short = Devices.torch(.bfloat16)[0].facts
        #expect(short.name == "torch-\(version)-cpu-bfloat16")
        #expect(!device.facts.isReproducible && !short.isReproducible)
        #expect(device.facts.bytesPerWeight == 4 && short.bytesPerWeight == 2 && short.bytesPerNumber == 2)
        #expect(device.freeBytes > 1 << 20)
    }

    @Test(arguments: TorchPrecision.allCases)
    func numbersAreKeptInThePrecision(precision: TorchPrecision) throws {
        let given: [Float] = [1, 1 / 3, -2.5, 1e-3, 60_000]
        let found = try Tensor(given, shape: [5], device: Devices.torch(precision)[0]).floats()
        let expected: [Float] =
            switch precision {
            case .float32: given
            case .float16: given.map { Float(Float16($0)) }
            // The nearest number with 16 bits.
            case .bfloat16:
                given.map { Float(bitPattern: ($0.bitPattern + 0x7FFF + ($0.bitPattern >> 16 & 1)) & 0xFFFF_0000) }
            }
        #expect(found == expected)
    }

    @Test func whatDoesNotFitIsToldAndTheDeviceGoesOn() throws {
        let count = 1 << 45
        let large = Tensor(repeating: 1, shape: [count], device: device)
        let error = #expect(throws: DeviceError.self) { try large.floats() }
        #expect(error?.code == .outOfMemory)
        #expect(error?.description.hasPrefix("store [\(count)]: libtorch: ") == true)
        #expect((large + large).failure?.code == .outOfMemory)
        let small = Tensor(repeating: 1, shape: [3], device: device)
        #expect(try (small + small).floats() == [2, 2, 2])
    }

    /// Floats that somebody owns.
    private final class Memory: @unchecked Sendable {
        // Sendable: nobody writes after `init`.
        let floats: UnsafeMutablePointer<Float>
        let onEnd: @Sendable () -> Void

        init(_ values: [Float], onEnd: @escaping @Sendable () -> Void) {
            floats = .allocate(capacity: values.count)
            floats.initialize(from: values, count: values.count)
            self.onEnd = onEnd
        }

        deinit {
            floats.deallocate()
            onEnd()
        }
    }

    @Test(arguments: TorchPrecision.allCases)
    func mappedMemoryIsKeptAsLongAsItIsNeeded(precision: TorchPrecision) throws {
        let device = Devices.torch(precision)[0]
        let ended = Mutex(false)
        func use() throws {
            let memory = Memory([1, 2, 3, 4]) { ended.withLock { $0 = true } }
            let tensor = Tensor(mapping: memory.floats, shape: [2, 2], owner: memory, device: device)
            #expect(try (tensor + tensor).floats() == [2, 4, 6, 8])
        }
        try use()
        // What was released is freed before the next operation.
        _ = try Tensor(repeating: 1, shape: [1], device: device).floats()
        #expect(ended.withLock { $0 })
    }

    /// Kernels are turned once, and still are the weights that the checkpoint has.
    @Test(arguments: [false, true])
    func weightsOfConvolutionsCanBeReadAfterwards(isMapped: Bool) throws {
        var numbers = Numbers(seed: 71)
        let values = (0..<6 * 5 * 9).map { _ in numbers.next() }
        let memory = Memory(values) {}
        let weight =
            isMapped
            ? Tensor(mapping: memory.floats, shape: [6, 5, 3, 3], owner: memory, device: device)
            : Tensor(values, shape: [6, 5, 3, 3], device: device)
        let x = numbers.tensor([1, 4, 4, 5], on: device)
        let first = try x.convolution(weight, padding: Padding(1)).floats()
        #expect(try weight.floats() == values)
        #expect(try weight.batch(2..<3).floats() == Array(values[90..<135]))
        #expect(try x.convolution(weight, padding: Padding(1)).floats() == first)
        let part = try x.convolution(weight.batch(2..<3), padding: Padding(1)).floats()
        let expected = stride(from: 2, to: first.count, by: 6).map { first[$0] }
        #expect(zip(part, expected).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test func callersOfSeveralThreadsTakeTurns() throws {
        let expected = try Self.sum(on: device, seed: 3)
        let found = Mutex<[[Float]]>([])
        let failures = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 24) { _ in
            do {
                let sum = try Self.sum(on: device, seed: 3)
                found.withLock { $0.append(sum) }
            } catch {
                failures.withLock { $0 += 1 }
            }
        }
        #expect(failures.withLock { $0 } == 0)
        #expect(found.withLock { $0.count == 24 && $0.allSatisfy { $0 == expected } })
    }

    private static func sum(on device: any Device, seed: UInt64) throws -> [Float] {
        var numbers = Numbers(seed: seed)
        let x = numbers.tensor([2, 30, 40], on: device)
        return try x.linear(numbers.tensor([50, 40], on: device)).applying(.silu).floats()
    }

    /// The library's rounded ratio of sizes would miss some of these pixels.
    @Test func upsamplingShowsThePixelOfWholeNumbers() throws {
        for (from, to) in [(7, 10), (14, 20), (29, 57), (41, 1681), (13, 25), (5, 10)] {
            let x = Tensor((0..<from).map(Float.init), shape: [1, from, 1, 1], device: device)
            let found = try x.upsampledNearest(rows: to, columns: 1).floats()
            #expect(found == (0..<to).map { Float($0 * from / to) }, "\(from) to \(to)")
        }
    }

    @Test func aProcessHasOneLibtorch() throws {
        let installation = try #require(Devices.library).installation
        #expect(try TorchLibrary.open(installation) === TorchLibrary.open(installation))
    }
}
