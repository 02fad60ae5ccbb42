// A sample's numbers are the same bytes in any batch and with any number of threads.

import Processors
import Tensors
import TestDevices
import Testing

@Suite struct InvarianceTests {
    /// Every operation that mixes positions or channels, on one batch.
    private func results(_ x: Tensor, _ numbers: Numbers) throws -> [Tensor] {
        var numbers = numbers
        let channels = x.channels
        let positions = x.reshaped([x.shape[0], x.shape[1] * x.shape[2], channels])
        let weight = numbers.tensor([185, channels], on: x.device)
        // Deeper than a piece of the depth, wider than a panel, and fit for Winograd's method.
        let kernel = numbers.tensor([48, channels, 3, 3], on: x.device)
        let narrow = numbers.tensor([35, channels, 3, 3], on: x.device)
        let scale = numbers.tensor([channels], on: x.device)
        return [
            positions.linear(weight), x.convolution(kernel, padding: Padding(1)),
            x.convolution(narrow, padding: Padding(1)), x.convolution(kernel, stride: 2, padding: Padding(1)),
            Tensor.attention(queries: positions, keys: positions, values: positions, heads: 2),
            Tensor.attention(queries: positions, keys: positions, values: positions, heads: 2, isCausal: true),
            x.groupNormalization(groups: 2, scale: scale, shift: scale, epsilon: 1e-5, activation: .silu),
            positions.layerNormalization(scale: scale, shift: scale, epsilon: 1e-5), x.applying(.gelu),
            positions.gatedGelu(),
            positions.perceptron(
                LinearWeights(weight: numbers.tensor([224, channels], on: x.device)), .gatedGelu,
                LinearWeights(weight: numbers.tensor([40, 112], on: x.device))),
            x.adding(perImage: try x.firstChannels(channels)),
            x.convolution(kernel, padding: Padding(1), activation: .mish),
            x.convolution(kernel, stride: 2, padding: Padding(1), activation: .leakyRelu(slope: 0.1)),
            x.convolution(numbers.tensor([35, channels, 1, 1], on: x.device), activation: .sigmoid),
            x.pooled(.greatest, .around(5)),
            x.pooled(.mean(countsPadding: false), PoolingWindow(3, stride: 2, padding: Padding(1))),
        ]
    }

    @Test(
        "The bytes do not depend on the batch or the threads",
        arguments: [
            [8, 8, 20], [13, 17, 32], [5, 3, 20], [20, 31, 40], [3, 5, 528], [8, 8, 528], [30, 40, 96], [55, 46, 32],
        ])
    func bytes(_ shape: [Int]) throws {
        for kernel in ProductKernel.allCases where kernel.isAvailable {
            var numbers = Numbers(seed: 9)
            let count = shape.reduce(5, *)
            let values = (0..<count).map { _ in numbers.next() }
            let single = CPUDevice(threads: 1, kernel: kernel)
            let all = try results(Tensor(values, shape: [5] + shape, device: single), numbers)
            for device in [single, CPUDevice(threads: 2, kernel: kernel), CPUDevice(threads: 5, kernel: kernel)] {
                let x = Tensor(values, shape: [5] + shape, device: device)
                for range in [0..<5, 0..<1, 3..<4, 1..<3] {
                    for (index, (expected, found)) in zip(all, try results(x.batch(range), numbers)).enumerated() {
                        let isSame = try expected.batch(range).floats() == found.floats()
                        #expect(
                            isSame, "operation \(index), \(kernel), \(device.threads) threads, samples \(range)")
                    }
                }
            }
        }
    }

    @Test("The bytes do not depend on where a block of gathered patches ends", arguments: ProductKernel.allCases)
    func blocksOfPatches(_ kernel: ProductKernel) throws {
        guard kernel.isAvailable else { return }
        var numbers = Numbers(seed: 13)
        let device = CPUDevice(threads: 2, kernel: kernel)
        // 4,096 patches of 360 numbers a sample: the first block ends within the third.
        let x = numbers.tensor([4, 64, 64, 40], on: device)
        let weight = numbers.tensor([16, 40, 3, 3], on: device)
        let all = x.convolution(weight, padding: Padding(1))
        for sample in 0..<4 {
            let alone = x.batch(sample..<sample + 1).convolution(weight, padding: Padding(1))
            #expect(try alone.floats() == all.batch(sample..<sample + 1).floats(), "sample \(sample)")
        }
    }

    @Test(
        "Vectors of 8 and of 16 numbers give the same bytes", .enabled(if: ProductKernel.avx512.isAvailable),
        // Packed rows and tiles of 4x4; few rows; tiles of 6x6 and more than one piece of keys.
        arguments: [[2, 13, 17, 48], [1, 9, 11, 528], [1, 55, 46, 32]])
    func vectorWidths(_ shape: [Int]) throws {
        var numbers = Numbers(seed: 11)
        let values = (0..<shape.reduce(1, *)).map { _ in numbers.next() }
        let found = try [ProductKernel.avx2, .avx512].map { kernel in
            let device = CPUDevice(threads: 2, kernel: kernel)
            return try results(Tensor(values, shape: shape, device: device), numbers).map { try $0.floats() }
        }
        for (index, (narrow, wide)) in zip(found[0], found[1]).enumerated() {
            #expect(zip(narrow, wide).allSatisfy { $0 == $1 }, "operation \(index)")
        }
        #expect(ProductKernel.avx2.name == ProductKernel.avx512.name)
    }

    @Test("Loops that arrive from several threads at once keep to themselves")
    func concurrentCallers() async throws {
        let device = CPUDevice(threads: 2)
        var numbers = Numbers(seed: 10)
        let x = numbers.tensor([2, 9, 9, 16], on: device)
        let kernel = numbers.tensor([24, 16, 3, 3], on: device)
        let expected = try x.convolution(kernel, padding: Padding(1)).floats()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try (0..<20).allSatisfy { _ in try x.convolution(kernel, padding: Padding(1)).floats() == expected }
                }
            }
            for try await isSame in group { #expect(isSame) }
        }
    }
}

extension Tensor {
    /// `[batch, channels]` cut from each sample's first numbers.
    fileprivate func firstChannels(_ channels: Int) throws -> Tensor {
        let each = count / shape[0]
        let values = try floats()
        return Tensor(
            (0..<shape[0]).flatMap { values[$0 * each..<$0 * each + channels] }, shape: [shape[0], channels],
            device: device)
    }
}
