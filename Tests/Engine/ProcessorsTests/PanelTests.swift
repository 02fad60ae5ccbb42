// Tokens stand in panels from one layer to the next, and the bytes are those of rows.

import Tensors
import TestDevices
import Testing

@testable import Processors

@Suite struct PanelTests {
    /// A transformer's layers one after the other, each result kept.
    private struct Transformer {
        let channels: Int
        let inRows: Bool
        private var numbers = Numbers(seed: 41)

        init(channels: Int, inRows: Bool) { (self.channels, self.inRows) = (channels, inRows) }

        func callAsFunction(_ x: Tensor, context: Tensor) throws -> [(name: String, tensor: Tensor)] {
            var numbers = numbers
            let device = x.device
            let square = (0..<6).map { _ in numbers.tensor([channels, channels], on: device) }
            let bias = numbers.tensor([channels], on: device)
            let scale = numbers.tensor([channels], on: device)
            let first = linear(x, square[0], bias)
            let normalized = first.layerNormalization(scale: scale, shift: bias, epsilon: 1e-5)
            let (keys, values) = (linear(normalized, square[1]), linear(normalized, square[2], bias))
            let attended = Tensor.attention(queries: normalized, keys: keys, values: values, heads: 3, isCausal: true)
            // Once with a shortcut that stands in rows, once with one in panels.
            let mixed = linear(attended, square[3], bias, adding: x)
            let output = linear(attended, square[3], bias, adding: first)
            let text = (linear(context, square[4]), linear(context, square[5], bias))
            let seen = Tensor.attention(queries: output, keys: text.0, values: text.1, heads: 2)
            let gated = try perceptron(
                seen, LinearWeights(weight: numbers.tensor([6 * channels, channels], on: device)), .gatedGelu,
                LinearWeights(weight: numbers.tensor([channels, 3 * channels], on: device), bias: bias),
                adding: output)
            let wide = try perceptron(
                gated, LinearWeights(weight: numbers.tensor([4 * channels, channels], on: device)),
                .pointwise(.quickGelu), LinearWeights(weight: numbers.tensor([200, 4 * channels], on: device)))
            let image = output.reshaped([x.shape[0], 1, x.shape[1], channels])
            let last = x.shape[0] - 1
            let grouped = image.groupNormalization(groups: 2, scale: scale, shift: bias, epsilon: 1)
            return [
                ("linear", first), ("normalization", normalized), ("keys", keys), ("attention", attended),
                ("shortcut in rows", mixed), ("shortcut in panels", output), ("attention to a text", seen),
                ("gated perceptron", gated), ("perceptron", wide),
                ("a sample's layer", linear(output.batch(last..<last + 1), square[0])),
                ("a sample twice", output.batch(last..<last + 1).repeatingEach(to: 2)),
                ("layer of an image", image.linear(square[1], bias: bias, adding: x.reshaped(image.shape))),
                ("normalization over groups", grouped),
            ]
        }

        /// Images stand in rows.
        private func linear(_ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, adding shortcut: Tensor? = nil)
            -> Tensor
        {
            if !inRows { return x.linear(weight, bias: bias, adding: shortcut) }
            let image = { (x: Tensor) in x.reshaped([x.shape[0], 1, x.shape[1], x.shape[2]]) }
            return image(x).linear(weight, bias: bias, adding: shortcut.map(image))
                .reshaped([x.shape[0], x.shape[1], weight.shape[0]])
        }

        private func perceptron(
            _ x: Tensor, _ expansion: LinearWeights, _ activation: PerceptronActivation, _ contraction: LinearWeights,
            adding shortcut: Tensor? = nil
        ) throws -> Tensor {
            if !inRows { return x.perceptron(expansion, activation, contraction, adding: shortcut) }
            let wide = try activation.apply(to: linear(x, expansion.weight, expansion.bias), on: x.device as! CPUDevice)
            return linear(wide, contraction.weight, contraction.bias, adding: shortcut)
        }
    }

    private static let channels = 192

    @Test(
        "Tokens in panels have the bytes that they have in rows",
        // Samples, positions, and those of a text: whole panels, and last ones with one row, 13, 15 and 3; few panels, more than
        // are multiplied at once, and more than one group.
        arguments: [
            (1, 64, 33), (2, 33, 77), (2, 77, 47), (3, 127, 16), (2, 250, 77), (1, 2100, 20),
        ])
    func bytes(_ samples: Int, _ positions: Int, _ others: Int) throws {
        for kernel in ProductKernel.allCases where kernel.isAvailable {
            let device = CPUDevice(threads: 2, kernel: kernel)
            var numbers = Numbers(seed: 42)
            let x = numbers.tensor([samples, positions, Self.channels], on: device)
            let context = numbers.tensor([samples, others, Self.channels], on: device)
            let rows = try Transformer(channels: Self.channels, inRows: true)(x, context: context)
            #expect(rows.allSatisfy { !($0.tensor.storage is PanelStorage) })
            let panels = try Transformer(channels: Self.channels, inRows: false)(x, context: context)
            for (expected, found) in zip(rows, panels) {
                let differing = zip(try expected.tensor.floats(), try found.tensor.floats()).count { $0 != $1 }
                #expect(differing == 0, "\(found.name) with \(kernel)")
            }
            let inPanels = panels.filter { $0.tensor.storage is PanelStorage }.map(\.name)
            if kernel == .openBLAS {
                #expect(inPanels.isEmpty)
            } else if samples == 2 && positions == 33 {
                // Two samples of 33 would fill six panels, where their rows need five; perceptrons take rows as they come.
                #expect(inPanels == ["gated perceptron", "perceptron", "a sample's layer"])
            } else {
                #expect(inPanels == panels.map(\.name).dropLast(2))
            }
        }
    }

    @Test("A sample's panels are the same in any batch, with any number of threads")
    func batches() throws {
        for kernel in ProductKernel.allCases where kernel.isAvailable {
            var numbers = Numbers(seed: 44)
            let values = (0..<5 * 77 * Self.channels).map { _ in numbers.next() }
            let results = try [1, 2, 3].map { threads in
                let device = CPUDevice(threads: threads, kernel: kernel)
                let x = Tensor(values, shape: [5, 77, Self.channels], device: device)
                let all = try Transformer(channels: Self.channels, inRows: false)(x, context: x).prefix(9)
                for range in [0..<1, 1..<3] {
                    let some = try Transformer(channels: Self.channels, inRows: false)(
                        x.batch(range), context: x.batch(range))
                    for (expected, found) in zip(all, some) {
                        let isSame = try expected.tensor.batch(range).floats() == found.tensor.floats()
                        #expect(isSame, "\(found.name), samples \(range), \(threads) threads of \(kernel)")
                    }
                }
                return try all.map { try $0.tensor.floats() }
            }
            let isSame = results.allSatisfy { $0 == results[0] }
            #expect(isSame, "\(kernel)")
        }
    }

    @Test("Panels that several read row by row at once")
    func concurrentReaders() async throws {
        let device = CPUDevice(threads: 2)
        var numbers = Numbers(seed: 43)
        let x = numbers.tensor([2, 77, 128], on: device)
        let weight = numbers.tensor([128, 128], on: device)
        let expected = try x.linear(weight).floats()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                let panels = x.linear(weight)
                for sample in 0..<2 {
                    group.addTask {
                        try panels.batch(sample..<sample + 1).floats()
                            == Array(expected[sample * 77 * 128..<(sample + 1) * 77 * 128])
                    }
                }
            }
            for try await isSame in group { #expect(isSame) }
        }
    }
}
