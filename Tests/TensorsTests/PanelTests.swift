// Few tokens stand in panels from one layer to the next, and the bytes are those of rows.

import Testing

@testable import Tensors

@Suite struct PanelTests {
    /// A transformer's layers one after the other, each result kept.
    private struct Layers {
        let channels: Int
        var numbers = Numbers(seed: 41)

        func callAsFunction(_ x: Tensor, context: Tensor) -> [(name: String, tensor: Tensor)] {
            var numbers = numbers
            let device = x.device
            let square = (0..<6).map { _ in numbers.tensor([channels, channels], on: device) }
            let bias = numbers.tensor([channels], on: device)
            let scale = numbers.tensor([channels], on: device)
            let first = x.linear(square[0], bias: bias)
            let normalized = first.layerNormalization(scale: scale, shift: bias, epsilon: 1e-5)
            let (keys, values) = (normalized.linear(square[1]), normalized.linear(square[2], bias: bias))
            let attended = Tensor.attention(
                queries: normalized, keys: keys, values: values, heads: 3, isCausal: true)
            // Once with a shortcut that stands in rows, once with one in panels.
            let mixed = attended.linear(square[3], bias: bias, adding: x)
            let output = attended.linear(square[3], bias: bias, adding: first)
            let text = (context.linear(square[4]), context.linear(square[5], bias: bias))
            let seen = Tensor.attention(queries: output, keys: text.0, values: text.1, heads: 2)
            let gated = seen.perceptron(
                LinearWeights(weight: numbers.tensor([6 * channels, channels], on: device)), .gatedGelu,
                LinearWeights(weight: numbers.tensor([channels, 3 * channels], on: device), bias: bias),
                adding: output)
            let wide = gated.perceptron(
                LinearWeights(weight: numbers.tensor([4 * channels, channels], on: device)),
                .pointwise(.quickGelu), LinearWeights(weight: numbers.tensor([200, 4 * channels], on: device)))
            let image = output.reshaped([x.shape[0], 1, x.shape[1], channels])
            let grouped = image.groupNormalization(groups: 2, scale: scale, shift: bias, epsilon: 1e-5)
            return [
                ("linear", first), ("normalization", normalized), ("keys", keys), ("attention", attended),
                ("shortcut in rows", mixed), ("shortcut in panels", output), ("attention to a text", seen),
                ("gated perceptron", gated), ("perceptron", wide), ("normalization over groups", grouped),
                ("a sample twice", output.samples(0..<1).repeatingSamples(to: 2)),
            ]
        }
    }

    private static let channels = 192

    @Test(
        "Layers of a few tokens give the bytes that they give among many",
        // Positions, and those of a text: whole panels, the last one with one row, with 13, and with 15.
        arguments: [(64, 33), (33, 77), (77, 47), (127, 16)])
    func bytes(_ positions: Int, _ others: Int) {
        for kernel in ProductKernel.allCases where kernel.isAvailable {
            for threads in [1, 2] {
                let device = CPUDevice(threads: threads, kernel: kernel)
                var numbers = Numbers(seed: 42)
                // 384 rows and more, so that none stand in panels.
                let samples = 384 / min(positions, others) + 1
                let x = numbers.tensor([samples, positions, Self.channels], on: device)
                let context = numbers.tensor([samples, others, Self.channels], on: device)
                let layers = Layers(channels: Self.channels)
                let all = layers(x, context: context)
                #expect(all.allSatisfy { !($0.tensor.storage is PanelStorage) })
                for range in [0..<1, 1..<2, 1..<3] {
                    let some = layers(x.samples(range), context: context.samples(range))
                    for (expected, found) in zip(all, some) where expected.name != "a sample twice" || range == 0..<1 {
                        let same = expected.tensor.samples(range.count == found.tensor.shape[0] ? range : 0..<2)
                        let differing = zip(same.floats(), found.tensor.floats()).count { $0 != $1 }
                        #expect(differing == 0, "\(found.name), \(kernel), \(threads) threads, samples \(range)")
                    }
                    let names = some.filter { $0.tensor.storage is PanelStorage }.map(\.name)
                    let fills = range.count == 1 || positions % 16 == 0 || positions % 16 > 8
                    let expected = [
                        "linear", "normalization", "keys", "attention", "shortcut in rows", "shortcut in panels",
                        "attention to a text", "gated perceptron", "perceptron", "normalization over groups",
                    ]
                    #expect(names == (fills && kernel != .openBLAS ? expected.dropLast() : []))
                }
            }
        }
    }

    @Test("A sample of panels, read row by row by several at once, is the sample")
    func concurrentReaders() async {
        let device = CPUDevice(threads: 2)
        var numbers = Numbers(seed: 43)
        let x = numbers.tensor([2, 77, 128], on: device)
        let weight = numbers.tensor([128, 128], on: device)
        let expected = x.linear(weight).floats()
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                let panels = x.linear(weight)
                for sample in 0..<2 {
                    group.addTask {
                        panels.samples(sample..<sample + 1).floats()
                            == Array(expected[sample * 77 * 128..<(sample + 1) * 77 * 128])
                    }
                }
            }
            for await isSame in group { #expect(isSame) }
        }
    }
}
