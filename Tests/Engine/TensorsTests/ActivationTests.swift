// Detectors' activations: their numbers, and layers that end with one.

import Tensors
import TestDevices
import Testing

@Suite struct ActivationTests {
    private static let all: [Activation] = [
        .silu, .gelu, .quickGelu, .relu, .leakyRelu(slope: 0.1), .mish, .sigmoid,
    ]

    @Test(
        "Activations are within a millionth of their formulas, down to subnormal results",
        arguments: [Activation.relu, .leakyRelu(slope: 0.1), .leakyRelu(slope: 3), .mish, .sigmoid])
    func accuracy(_ activation: Activation) throws {
        var numbers = Numbers(seed: 51)
        // An odd number, so that no vector is the last.
        let points = (-8300...8300).map { Float($0) / 80 } + (0..<5000).map { _ in numbers.next() }
        for device in Devices.all {
            let given = Tensor(points, shape: [points.count], device: device)
            let (limit, least) = (Devices.limit(1e-6, on: device), Devices.least(1e-42, on: device))
            let wrong = try zip(given.floats(), given.applying(activation).floats()).filter { x, y in
                let expected = Reference.activation(activation, Double(x))
                return !(abs(Double(y) - expected) <= limit * abs(expected) + least)
            }
            // A failure that printed all of them would help nobody.
            #expect(wrong.isEmpty, "\(wrong.count) points, such as \(wrong.prefix(1)) on \(device.facts.name)")
        }
    }

    @Test(
        "Limits are those of PyTorch",
        arguments: [
            // What torch 2.15 gives for -infinity, -100, -0, 100, infinity and not-a-number.
            (Activation.relu, [0, 0, 0, 100, .infinity, .nan]),
            (.leakyRelu(slope: 0.1), [-.infinity, -10, 0, 100, .infinity, .nan]),
            (.mish, [.nan, 0, 0, 100, .infinity, .nan]), (.sigmoid, [0, 0, 0.5, 1, 1, .nan]),
        ] as [(Activation, [Float])])
    func limits(_ activation: Activation, _ expected: [Float]) throws {
        for device in Devices.all {
            let points: [Float] = [-.infinity, -100, -0.0, 100, .infinity, .nan]
            // In a vector, and in what is left after one.
            let x = Tensor(Array(repeating: points, count: 3).flatMap { $0 }, shape: [18], device: device)
            for (index, y) in try x.applying(activation).floats().enumerated() {
                let limit = expected[index % 6]
                let isLimit = limit.isNaN ? y.isNaN : y == limit || abs(y - limit) < .leastNormalMagnitude
                #expect(isLimit, "\(points[index % 6]) gave \(y)")
            }
        }
    }

    @Test(
        "A convolution adds its bias, then its shortcut, and activates last",
        arguments: [
            // By Winograd's method in tiles of 4x4 and of 6x6, and with fewer outputs than a panel.
            ([2, 8, 9, 48], [32, 48, 3, 3], 1), ([1, 53, 47, 32], [16, 32, 3, 3], 1),
            ([2, 17, 21, 32], [3, 32, 3, 3], 1),
            // Directly: one pixel, odd numbers of channels, more than one piece of the depth.
            ([1, 1, 1, 1], [1, 1, 1, 1], 1), ([1, 19, 23, 5], [35, 5, 3, 3], 1), ([2, 9, 7, 130], [17, 130, 3, 3], 2),
            // As a linear layer, of many rows and of few.
            ([2, 16, 15, 7], [33, 7, 1, 1], 1), ([1, 12, 12, 128], [136, 128, 1, 1], 1),
            ([1, 3, 5, 600], [70, 600, 1, 1], 1),
        ])
    func convolution(_ image: [Int], _ kernel: [Int], _ stride: Int) throws {
        for device in Devices.all {
            var numbers = Numbers(seed: 52)
            let (x, weight) = (numbers.tensor(image, on: device), numbers.tensor(kernel, on: device))
            let bias = numbers.tensor([kernel[0]], on: device)
            let padding = Padding(kernel[2] / 2)
            let plain = x.convolution(weight, bias: bias, stride: stride, padding: padding)
            let shortcut = numbers.tensor(plain.shape, scale: 3, on: device)
            let sum = try Reference.convolution(
                Reference(x), Reference(weight), Reference(bias), stride: stride, padding: padding)
            let reference = try zip(sum.values, Reference(shortcut).values).map { $0 + $1 }
            for activation in Self.all {
                let found = x.convolution(
                    weight, bias: bias, stride: stride, padding: padding, adding: shortcut, activation: activation)
                let expected = Reference(sum.shape, reference.map { Reference.activation(activation, $0) })
                // A single number may be nearly cancelled, by its shortcut or in a formula of libtorch's.
                if expected.values.count > 1 || device.facts.isReproducible {
                    let limit = Devices.limit(1e-5, on: device)
                    #expect(try expected.relativeError(of: found) < limit, "\(activation) on \(device.facts.name)")
                }
                let isSame = try Devices.areSame(found, (plain + shortcut).applying(activation))
                #expect(isSame, "\(activation) after a shortcut on \(device.facts.name)")
                let alone = x.convolution(
                    weight, bias: bias, stride: stride, padding: padding, activation: activation)
                let isPlain = try Devices.areSame(alone, plain.applying(activation))
                #expect(isPlain, "\(activation) on \(device.facts.name)")
            }
        }
    }

    @Test("An image that comes from a transformer is activated like any other")
    func imageOfTokens() throws {
        for device in Devices.all {
            var numbers = Numbers(seed: 53)
            let tokens = numbers.tensor([1, 64, 192], on: device).linear(numbers.tensor([192, 192], on: device))
            let image = tokens.reshaped([1, 8, 8, 192])
            let weight = numbers.tensor([103, 192, 1, 1], on: device)
            let shortcut = numbers.tensor([1, 8, 8, 103], on: device)
            for activation in Self.all {
                let found = image.convolution(weight, adding: shortcut, activation: activation)
                let expected = image.convolution(weight, adding: shortcut).applying(activation)
                #expect(try Devices.areSame(found, expected), "\(activation) on \(device.facts.name)")
            }
        }
    }

    @Test("Group normalization activates each number that it gives", arguments: [[2, 5, 7, 24], [1, 40, 33, 8]])
    func groupNormalization(_ shape: [Int]) throws {
        for device in Devices.all {
            var numbers = Numbers(seed: 54)
            let x = numbers.tensor(shape, on: device)
            let (scale, shift) = (numbers.tensor([shape[3]], on: device), numbers.tensor([shape[3]], on: device))
            func normalized(_ activation: Activation?) -> Tensor {
                x.groupNormalization(groups: 4, scale: scale, shift: shift, epsilon: 1e-5, activation: activation)
            }
            for activation in Self.all {
                let isSame = try Devices.areSame(normalized(activation), normalized(nil).applying(activation))
                #expect(isSame, "\(activation) on \(device.facts.name)")
            }
        }
    }
}
