// Where there is nothing to compute, or next to nothing left of it.

import Tensors
import TestDevices
import Testing

@Suite struct EdgeTests {
    @Test("No rows and no samples give empty results")
    func nothing() throws {
        for device in Devices.all {
            let empty = { (shape: [Int]) in Tensor([], shape: shape, device: device) }
            let weight = Tensor(repeating: 1, shape: [320, 600], device: device)
            #expect(empty([0, 3, 600]).linear(weight).shape == [0, 3, 320])
            let layers = (
                LinearWeights(weight: weight),
                LinearWeights(weight: Tensor(repeating: 1, shape: [7, 160], device: device))
            )
            #expect(empty([1, 0, 600]).perceptron(layers.0, .gatedGelu, layers.1).shape == [1, 0, 7])
            for side in [8, 48] {
                let kernel = Tensor(repeating: 1, shape: [16, 32, 3, 3], device: device)
                #expect(try empty([0, side, side, 32]).convolution(kernel, padding: Padding(1)).floats().isEmpty)
            }
        }
    }

    @Test("The variance of a constant is not negative")
    func constants() throws {
        for device in Devices.all {
            let one = Tensor(repeating: 1, shape: [1], device: device)
            let x = Tensor(repeating: 1_000_000.0625, shape: [1, 3, 1], device: device)
            let found = x.groupNormalization(groups: 1, scale: one, shift: one, epsilon: 1e-5)
            #expect(try found.floats().allSatisfy { $0.isFinite })
        }
    }

    @Test("Later positions leave no trace in earlier ones", arguments: [40, 500])
    func causality(_ positions: Int) throws {
        for device in Devices.all {
            var numbers = Numbers(seed: 31)
            let values = (0..<positions * 32).map { _ in numbers.next() }
            let changed = values.dropLast(32) + (0..<32).map { _ in Float(1e6) }
            let attended = try [values, Array(changed)].map { values in
                let x = Tensor(values, shape: [1, positions, 32], device: device)
                return try Tensor.attention(queries: x, keys: x, values: x, heads: 2, isCausal: true).floats()
            }
            let differing = zip(attended[0], attended[1]).dropLast(32).count { $0 != $1 }
            #expect(differing == 0)
        }
    }
}
