// What becomes of tensors when an operation fails on its device.

import Processors
import TestDevices
import Testing

@testable import Tensors

@Suite struct FailureTests {
    private static let full = DeviceError(.outOfMemory, "nothing is left")

    /// Fails at the operation `index`.
    private static func device(at index: Int) -> FailingDevice {
        FailingDevice(CPUDevice(threads: 1)) { $0.index == index ? full : nil }
    }

    @Test func readingThrowsWhatFailedOnTheWayWithItsNameAndShapes() throws {
        let device = Self.device(at: 1)
        let x = Tensor(repeating: 1, shape: [2, 3, 4], device: device)
        let weight = Tensor(repeating: 1, shape: [5, 4], device: device)
        let sum = x + x
        let product = sum.linear(weight)
        #expect(sum.failure == nil && product.failure?.code == .outOfMemory)
        let error = #expect(throws: DeviceError.self) { try product.floats() }
        #expect(error?.description == "linear: [2, 3, 4] with weights [5, 4]: nothing is left")
        #expect(try sum.floats().allSatisfy { $0 == 2 }, "what came before is there")
    }

    /// Every operation, each with an argument that failed: all have the shape that they would have, and the first failure.
    @Test func anOperationOnAFailedArgumentGivesAFailedResult() throws {
        let device = Self.device(at: 0)
        let image = Tensor(repeating: 1, shape: [2, 4, 6, 8], device: device).applying(.silu)
        #expect(image.failure != nil)
        let good = { (shape: [Int]) in Tensor(repeating: 1, shape: shape, device: device) }
        let tokens = image.reshaped([2, 24, 8])
        let before = device.operations
        let scale = good([8])
        let cells = RegionSampling(rows: 2, columns: 5, points: 2, scale: 1, isAligned: true)
        let results: [(Tensor, [Int])] = [
            (tokens, [2, 24, 8]), (image.batch(1..<2), [1, 4, 6, 8]),
            (tokens.linear(good([5, 8])), [2, 24, 5]),
            (good([2, 24, 3]).linear(good([8, 3]), adding: tokens), [2, 24, 8]),
            (
                tokens.perceptron(
                    LinearWeights(weight: good([20, 8])), .gatedGelu, LinearWeights(weight: good([7, 10]))), [2, 24, 7]
            ),
            (image.convolution(good([3, 8, 3, 3]), stride: 2, padding: Padding(1)), [2, 2, 3, 3]),
            (Tensor.attention(queries: good([2, 5, 8]), keys: tokens, values: tokens, heads: 2), [2, 5, 8]),
            (image.groupNormalization(groups: 2, scale: scale, shift: scale, epsilon: 1), [2, 4, 6, 8]),
            (tokens.layerNormalization(scale: scale, shift: scale, epsilon: 1), [2, 24, 8]),
            (tokens.applying(.gelu), [2, 24, 8]), (tokens.gatedGelu(), [2, 24, 4]),
            (good([2, 24, 8]) + tokens, [2, 24, 8]), (image.adding(perImage: good([2, 8])), [2, 4, 6, 8]),
            (good([2, 4, 6, 1]).concatenatingChannels(image), [2, 4, 6, 9]),
            (image.channels(2..<5), [2, 4, 6, 3]), (image.pooled(.greatest, .around(3)), [2, 4, 6, 8]),
            (image.batch(0..<1).regions(good([3, 4]), cells), [3, 2, 5, 8]),
            (good([1, 4, 6, 8]).regions(image.reshaped([96, 4]), cells), [96, 2, 5, 8]),
            (image.upsampledNearest(rows: 5, columns: 7), [2, 5, 7, 8]),
            (Tensor.embedding(image.reshaped([48, 8]), identifiers: [[1, 2, 3]]), [1, 3, 8]),
            (Tensor.concatenatingBatches([good([1, 24, 8]), tokens]), [3, 24, 8]),
            (tokens.repeatingEach(to: 4), [4, 24, 8]),
        ]
        for (result, shape) in results {
            #expect(result.shape == shape && result.failure == image.failure)
            #expect(throws: DeviceError.self) { try result.floats() }
        }
        #expect(device.operations == before, "the device is not asked to compute with what is not there")
    }

    @Test func whatCannotBeStoredOrReadSaysSo() throws {
        let full = FailingDevice(CPUDevice(threads: 1)) { $0.name == "store" ? Self.full : nil }
        let stored = [
            Tensor([1, 2], shape: [2], device: full), Tensor(repeating: 1, shape: [2], device: full),
        ]
        for tensor in stored {
            let error = #expect(throws: DeviceError.self) { try tensor.floats() }
            #expect(error?.description == "store [2]: nothing is left")
        }
        let gone = FailingDevice(CPUDevice(threads: 1)) {
            $0.name == "floats" ? DeviceError(.lost, "no device\nany more") : nil
        }
        let error = #expect(throws: DeviceError.self) { try Tensor([1, 2], shape: [2], device: gone).floats() }
        #expect(error?.code == .lost && error?.description == "read [2]: no device any more")
    }

    @Test func weightsThatWereNotLoadedHaveNoNumbers() {
        #expect(Tensor.unloaded.shape == [0] && Tensor.unloaded.failure == nil)
    }
}
