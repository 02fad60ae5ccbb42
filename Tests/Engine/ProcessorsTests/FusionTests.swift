// Layers that do more in one pass give the same bytes as the passes one after the other.

import Processors
import Tensors
import TestDevices
import Testing

@Suite struct FusionTests {
    /// How many numbers differ; a failure that printed all of them would help nobody.
    private func differing(_ a: Tensor, _ b: Tensor) throws -> Int {
        zip(try a.floats(), try b.floats()).count { $0 != $1 }
    }

    @Test(
        "A linear layer adds its shortcut",
        arguments: [[1, 1, 1], [2, 3, 5], [1, 200, 40], [2, 193, 70], [1, 7, 513], [2, 400, 1030]])
    func linear(_ shape: [Int]) throws {
        for device in Devices.processors {
            var numbers = Numbers(seed: 21)
            let x = numbers.tensor(shape, on: device)
            for outputs in [1, 33, 320] {
                let weight = numbers.tensor([outputs, shape[2]], on: device)
                let bias = numbers.tensor([outputs], on: device)
                let shortcut = numbers.tensor([shape[0], shape[1], outputs], on: device)
                let found = x.linear(weight, bias: bias, adding: shortcut)
                let count = try differing(found, x.linear(weight, bias: bias) + shortcut)
                #expect(count == 0, "\(outputs) outputs on \(device.facts.name)")
            }
        }
    }

    @Test(
        "A convolution adds its shortcut",
        arguments: [
            // By Winograd's method in few tiles, in several samples' tiles, in large ones, and with fewer outputs than a panel.
            ([2, 8, 9, 48], [32, 48, 3, 3], 1), ([3, 33, 41, 32], [48, 32, 3, 3], 1),
            ([1, 53, 47, 32], [16, 32, 3, 3], 1), ([2, 17, 21, 32], [3, 32, 3, 3], 1),
            // Directly, and as a linear layer.
            ([2, 9, 7, 20], [17, 20, 3, 3], 2), ([1, 19, 23, 5], [35, 5, 3, 3], 1), ([2, 6, 5, 7], [33, 7, 1, 1], 1),
        ])
    func convolution(_ image: [Int], _ kernel: [Int], _ stride: Int) throws {
        for device in Devices.processors {
            var numbers = Numbers(seed: 22)
            let (x, weight) = (numbers.tensor(image, on: device), numbers.tensor(kernel, on: device))
            let bias = numbers.tensor([kernel[0]], on: device)
            let padding = Padding(kernel[2] / 2)
            let alone = x.convolution(weight, bias: bias, stride: stride, padding: padding)
            let shortcut = numbers.tensor(alone.shape, on: device)
            let found = x.convolution(weight, bias: bias, stride: stride, padding: padding, adding: shortcut)
            let count = try differing(found, alone + shortcut)
            #expect(count == 0, "\(device.facts.name)")
        }
    }

    @Test(
        "A perceptron is a linear layer, its activation, and a linear layer",
        arguments: [
            [1, 1, 1], [1, 3, 40], [2, 64, 530], [1, 256, 33], [1, 257, 320], [3, 170, 1100], [2, 1300, 17],
        ])
    func perceptron(_ shape: [Int]) throws {
        for device in Devices.processors {
            var numbers = Numbers(seed: 23)
            let x = numbers.tensor(shape, on: device)
            for (channels, outputs) in [(1, 3), (16, 19), (176, 200), (177, 16), (640, 40)] {
                for activation in [PerceptronActivation.gatedGelu, .pointwise(.quickGelu), .pointwise(.gelu)] {
                    let wide = activation == .gatedGelu ? 2 * channels : channels
                    let weight = numbers.tensor([wide, shape[2]], on: device)
                    let second = numbers.tensor([outputs, channels], on: device)
                    let shortcut = numbers.tensor([shape[0], shape[1], outputs], on: device)
                    let biases = (numbers.tensor([wide], on: device), numbers.tensor([outputs], on: device))
                    for isBare in [false, true] {
                        let hidden = x.linear(weight, bias: isBare ? nil : biases.0)
                        let expected = activated(hidden, activation).linear(
                            second, bias: isBare ? nil : biases.1, adding: isBare ? nil : shortcut)
                        let found = x.perceptron(
                            LinearWeights(weight: weight, bias: isBare ? nil : biases.0), activation,
                            LinearWeights(weight: second, bias: isBare ? nil : biases.1),
                            adding: isBare ? nil : shortcut)
                        #expect(
                            try differing(found, expected) == 0, "\(channels), \(activation) on \(device.facts.name)")
                    }
                }
            }
        }
    }

    private func activated(_ x: Tensor, _ activation: PerceptronActivation) -> Tensor {
        switch activation {
        case .gatedGelu: x.gatedGelu()
        case .pointwise(let pointwise): x.applying(pointwise)
        }
    }
}
