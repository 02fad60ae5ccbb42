// Each operation against its scalar reference, over odd shapes, on every device present.

import Tensors
import TestDevices
import Testing

@Suite struct OperationTests {
    @Test(
        "A linear layer is the product with the transposed weights",
        arguments: [
            [1, 1, 1], [2, 3, 5], [1, 200, 40], [3, 77, 13], [2, 193, 7], [1, 7, 513], [2, 400, 1030],
        ])
    func linear(_ shape: [Int]) throws {
        for device in Devices.all {
            var numbers = Numbers(seed: 1)
            let x = numbers.tensor(shape, on: device)
            for outputs in [1, 4, 33, 321] {
                let weight = numbers.tensor([outputs, shape[2]], on: device)
                let bias = numbers.tensor([outputs], on: device)
                for bias in [bias, nil] {
                    let expected = try Reference.linear(Reference(x), Reference(weight), bias.map { try Reference($0) })
                    #expect(
                        try expected.relativeError(of: x.linear(weight, bias: bias)) < Devices.limit(2e-6, on: device))
                }
            }
        }
    }

    @Test(
        "A convolution sums over its receptive field, zeros outside",
        arguments: [
            ([1, 1, 1, 1], [1, 1, 1, 1], 1, Padding(0)), ([2, 5, 7, 3], [4, 3, 3, 3], 1, Padding(1)),
            ([1, 8, 13, 6], [5, 6, 3, 3], 2, Padding(1)), ([2, 6, 4, 5], [3, 5, 1, 1], 1, Padding(0)),
            ([1, 7, 5, 4], [2, 4, 3, 3], 2, Padding(top: 0, left: 0, bottom: 1, right: 1)),
            ([1, 3, 2, 2], [3, 2, 3, 3], 1, Padding(1)), ([1, 4, 9, 3], [2, 3, 1, 1], 2, Padding(0)),
            ([1, 16, 17, 5], [330, 5, 3, 3], 1, Padding(1)), ([1, 1, 3, 2], [2, 2, 5, 5], 1, Padding(2)),
            ([2, 9, 7, 130], [17, 130, 3, 3], 2, Padding(1)), ([3, 3, 3, 64], [33, 64, 3, 3], 1, Padding(1)),
        ])
    func convolution(_ image: [Int], _ kernel: [Int], _ stride: Int, _ padding: Padding) throws {
        for device in Devices.all {
            var numbers = Numbers(seed: 2)
            let (x, weight) = (numbers.tensor(image, on: device), numbers.tensor(kernel, on: device))
            let bias = numbers.tensor([kernel[0]], on: device)
            let expected = try Reference.convolution(
                Reference(x), Reference(weight), Reference(bias), stride: stride, padding: padding)
            let found = x.convolution(weight, bias: bias, stride: stride, padding: padding)
            #expect(try expected.relativeError(of: found) < Devices.limit(2e-6, on: device))
        }
    }

    @Test(
        "Large 3x3 convolutions by Winograd's method stay within float32's error",
        arguments: [
            ([1, 16, 16, 32], 16, Padding(1)), ([2, 13, 19, 48], 16, Padding(1)), ([1, 15, 21, 32], 32, Padding(0)),
            ([1, 33, 45, 48], 16, Padding(1)), ([1, 16, 15, 32], 48, Padding(top: 0, left: 2, bottom: 3, right: 1)),
            ([3, 8, 5, 528], 32, Padding(1)), ([5, 37, 29, 32], 16, Padding(1)),
            // Large enough for tiles of 6x6.
            ([1, 48, 42, 32], 16, Padding(1)), ([2, 53, 47, 48], 32, Padding(1)),
            ([1, 49, 50, 32], 32, Padding(top: 0, left: 2, bottom: 3, right: 0)),
            // A last product of four tiles, whose one block has less to ask for of its first kind than of its second.
            ([1, 56, 56, 32], 16, Padding(1)), ([1, 56, 56, 32], 48, Padding(1)),
            // Fewer outputs than a panel has.
            ([2, 17, 21, 48], 3, Padding(1)), ([1, 48, 42, 32], 4, Padding(1)),
            // Two blocks of tiles; three parts of a block, and a group of one panel.
            ([1, 8, 280, 528], 16, Padding(1)), ([2, 61, 70, 32], 80, Padding(1)),
        ])
    func winograd(_ image: [Int], _ outputs: Int, _ padding: Padding) throws {
        for device in Devices.all {
            var numbers = Numbers(seed: 12)
            let x = numbers.tensor(image, on: device)
            let weight = numbers.tensor([outputs, image[3], 3, 3], on: device)
            let bias = numbers.tensor([outputs], on: device)
            let expected = try Reference.convolution(
                Reference(x), Reference(weight), Reference(bias), stride: 1, padding: padding)
            let found = x.convolution(weight, bias: bias, padding: padding)
            #expect(try expected.relativeError(of: found) < Devices.limit(5e-6, on: device))
        }
    }

    @Test(
        "Attention weighs values by the softmax of scaled products",
        arguments: [
            (1, 1, 1, 1, 1), (2, 5, 7, 2, 3), (1, 200, 77, 3, 8), (1, 33, 1100, 2, 5), (2, 64, 64, 1, 16),
            (1, 130, 490, 2, 40),
        ])
    func attention(_ samples: Int, _ queries: Int, _ keys: Int, _ heads: Int, _ size: Int) throws {
        for device in Devices.all {
            var numbers = Numbers(seed: 3)
            let q = numbers.tensor([samples, queries, heads * size], scale: 3, on: device)
            let k = numbers.tensor([samples, keys, heads * size], scale: 3, on: device)
            let v = numbers.tensor([samples, keys, heads * size], on: device)
            let expected = try Reference.attention(
                Reference(q), Reference(k), Reference(v), heads: heads, isCausal: false)
            #expect(
                try expected.relativeError(of: Tensor.attention(queries: q, keys: k, values: v, heads: heads))
                    < Devices.limit(3e-6, on: device))
        }
    }

    @Test("Causal attention looks at no later position", arguments: [1, 5, 77, 700])
    func causalAttention(_ positions: Int) throws {
        for device in Devices.all {
            var numbers = Numbers(seed: 4)
            let parts = (0..<3).map { _ in numbers.tensor([1, positions, 6], scale: 2, on: device) }
            let expected = try Reference.attention(
                Reference(parts[0]), Reference(parts[1]), Reference(parts[2]), heads: 2, isCausal: true)
            let found = Tensor.attention(
                queries: parts[0], keys: parts[1], values: parts[2], heads: 2, isCausal: true)
            #expect(try expected.relativeError(of: found) < Devices.limit(3e-6, on: device))
        }
    }

    @Test(
        "Group normalization gives each group mean 0 and variance 1, then scales",
        arguments: [
            ([1, 1, 1, 4], 2), ([2, 3, 5, 6], 3), ([1, 40, 33, 8], 8), ([3, 7, 12], 1), ([2, 30, 31, 96], 32),
        ])
    func groupNormalization(_ shape: [Int], _ groups: Int) throws {
        for device in Devices.all {
            var numbers = Numbers(seed: 5)
            // A large mean shows cancellation.
            let x = numbers.tensor(shape, on: device) + Tensor(repeating: 20, shape: shape, device: device)
            let scale = numbers.tensor([shape.last!], on: device)
            let shift = numbers.tensor([shape.last!], on: device)
            var expected = try Reference.groupNormalization(
                Reference(x), groups: groups, scale: Reference(scale), shift: Reference(shift), epsilon: 1e-5)
            let found = x.groupNormalization(groups: groups, scale: scale, shift: shift, epsilon: 1e-5)
            // libtorch subtracts the mean's square from that of the squares, which a large mean makes inexact.
            let limit = device.facts.isReproducible ? 3e-5 : Devices.limit(5e-3, on: device)
            #expect(try expected.relativeError(of: found) < limit, "\(device.facts.name)")
            for activation in [Activation.silu, .gelu] {
                let activated = x.groupNormalization(
                    groups: groups, scale: scale, shift: shift, epsilon: 1e-5, activation: activation)
                let target = expected.filled(expected.values.count) {
                    Reference.activation(activation, expected.values[$0])
                }
                #expect(try target.relativeError(of: activated) < limit)
            }
            expected.values[0] += 1
            #expect(try expected.relativeError(of: found) > 1e-3, "the comparison can fail")
        }
    }

    @Test(
        "Layer normalization works on each position alone", arguments: [[1, 1], [3, 5], [2, 7, 33], [1, 130, 768]])
    func layerNormalization(_ shape: [Int]) throws {
        for device in Devices.all {
            var numbers = Numbers(seed: 6)
            let x = numbers.tensor(shape, on: device)
            let scale = numbers.tensor([shape.last!], on: device)
            let shift = numbers.tensor([shape.last!], on: device)
            let rows = try Reference(x)
            let expected = try Reference.groupNormalization(
                Reference([rows.values.count / shape.last!, shape.last!], rows.values), groups: 1,
                scale: Reference(scale), shift: Reference(shift), epsilon: 1e-5)
            let found = x.layerNormalization(scale: scale, shift: shift, epsilon: 1e-5)
            #expect(try Reference(shape, expected.values).relativeError(of: found) < Devices.limit(2e-6, on: device))
        }
    }

    @Test("Activations follow their formulas from -100 to 100", arguments: [Activation.silu, .gelu, .quickGelu])
    func activations(_ activation: Activation) throws {
        let points = (-4000...4000).map { Float($0) / 40 }
        for device in Devices.all {
            let x = Tensor(points, shape: [points.count], device: device)
            let (limit, least) = (Devices.limit(4e-7, on: device), Devices.least(1e-8, on: device))
            for (x, y) in try zip(x.floats(), x.applying(activation).floats()) {
                let expected = Reference.activation(activation, Double(x))
                #expect(
                    abs(Double(y) - expected) <= limit * abs(expected) + least, "x = \(x) on \(device.facts.name)")
            }
        }
    }

    @Test("Not-a-number and infinity come through and are not hidden")
    func notANumber() throws {
        for device in Devices.all {
            let x = Tensor([.nan, .infinity, 1, -1], shape: [1, 4], device: device)
            #expect(try x.applying(.silu).floats()[0].isNaN)
            #expect(try x.applying(.silu).floats()[1] == .infinity)
            #expect(try x.gatedGelu().floats()[0].isNaN)
            let one = Tensor(repeating: 1, shape: [4], device: device)
            let normalized = x.layerNormalization(scale: one, shift: one, epsilon: 1e-5)
            #expect(try normalized.floats().allSatisfy { $0.isNaN })
            let attended = Tensor.attention(
                queries: x.reshaped([1, 4, 1]), keys: x.reshaped([1, 4, 1]), values: x.reshaped([1, 4, 1]), heads: 1)
            #expect(try attended.floats().contains { $0.isNaN })
        }
    }

    @Test("Gated GELU multiplies the first half by the GELU of the second")
    func gatedGelu() throws {
        for device in Devices.all {
            var numbers = Numbers(seed: 7)
            let x = numbers.tensor([2, 9, 14], scale: 2, on: device)
            let reference = try Reference(x)
            let expected = Reference([2, 9, 7]) {
                reference[$0[0], $0[1], $0[2]] * Reference.activation(.gelu, reference[$0[0], $0[1], $0[2] + 7])
            }
            #expect(try expected.relativeError(of: x.gatedGelu()) < Devices.limit(1e-6, on: device))
        }
    }

    @Test("Sums, joins, upsampling and embeddings put each number where it belongs")
    func moves() throws {
        for device in Devices.all {
            let x = Tensor((0..<12).map(Float.init), shape: [1, 2, 3, 2], device: device)
            #expect(try (x + x).floats() == (0..<12).map { Float(2 * $0) })
            let perImage = Tensor([10, 20], shape: [1, 2], device: device)
            #expect(try x.adding(perImage: perImage).floats().prefix(4) == [10, 21, 12, 23])
            let joined = x.concatenatingChannels(Tensor(repeating: 7, shape: [1, 2, 3, 1], device: device))
            #expect(joined.shape == [1, 2, 3, 3])
            #expect(try joined.floats().prefix(6) == [0, 1, 7, 2, 3, 7])
            let large = x.upsampledNearest(rows: 3, columns: 5)
            #expect(large.shape == [1, 3, 5, 2])
            #expect(try large.floats().prefix(10) == [0, 1, 0, 1, 2, 3, 2, 3, 4, 5])
            #expect(try large.floats().suffix(2) == [10, 11])
            let table = Tensor((0..<8).map(Float.init), shape: [4, 2], device: device)
            let rows = Tensor.embedding(table, identifiers: [[3, 0], [1, 1]])
            #expect(rows.shape == [2, 2, 2])
            #expect(try rows.floats() == [6, 7, 0, 1, 2, 3, 2, 3])
            let both = Tensor.concatenatingBatches([x, x + x])
            #expect(both.shape == [2, 2, 3, 2])
            #expect(try both.batch(1..<2).floats() == (x + x).floats())
            let twice = both.repeatingEach(to: 4)
            #expect(twice.shape == [4, 2, 3, 2])
            #expect(try twice.floats() == Tensor.concatenatingBatches([x, x, x + x, x + x]).floats())
        }
    }
}
