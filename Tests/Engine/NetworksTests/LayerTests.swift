// The layers against numbers worked out by hand.

import Processors
import Tensors
import Testing
import Weights

@testable import Networks

@Suite struct LayerTests {
    private let device = CPUDevice(threads: 1)

    @Test func linearMultipliesByTheTransposedWeightAndAddsTheBias() throws {
        let weights = try MadeWeights([("weight", [2, 3], [1, 2, 3, 4, 5, 6]), ("bias", [2], [10, 20])])
        let scope = try weights.scope(device)
        let layer = Linear(scope, in: 3, out: 2)
        try scope.finish()
        let x = Tensor([1, 0, -1, 2, 2, 2], shape: [2, 3], device: device)
        #expect(layer(x).shape == [2, 2])
        #expect(try layer(x).floats() == [8, 18, 22, 50])
    }

    @Test func linearWithoutBiasAsksForNone() throws {
        let scope = try MadeWeights([("weight", [1, 2], [3, 4])]).scope(device)
        let layer = Linear(scope, in: 2, out: 1, bias: false)
        try scope.finish()
        #expect(try layer(Tensor([1, 1], shape: [1, 1, 2], device: device)).floats() == [7])
    }

    @Test func linearTakesThePointwiseConvolutionOfOlderFiles() throws {
        let weights = try MadeWeights([("weight", [1, 2, 1, 1], [3, 4]), ("bias", [1], [0.5])])
        let scope = try weights.scope(device)
        let layer = Linear(scope, in: 2, out: 1)
        try scope.finish()
        #expect(layer.weight.shape == [1, 2])
        let image = Tensor([1, 1, 0, 2], shape: [1, 1, 2, 2], device: device)
        #expect(try layer(image).floats() == [7.5, 8.5])
    }

    @Test func convolutionKeepsTheSizeByItself() throws {
        let kernel: [Float] = [0, 0, 0, 1, 1, 1, 0, 0, 0]
        let scope = try MadeWeights([("weight", [1, 1, 3, 3], kernel), ("bias", [1], [1])]).scope(device)
        let layer = Convolution(scope, in: 1, out: 1)
        try scope.finish()
        let x = Tensor([1, 2, 3, 4, 5, 6], shape: [1, 2, 3, 1], device: device)
        #expect(layer(x).shape == [1, 2, 3, 1])
        #expect(try layer(x).floats() == [4, 7, 6, 10, 16, 12])
    }

    @Test func convolutionTakesStrideAndUnevenPadding() throws {
        let scope = try MadeWeights([("weight", [1, 1, 3, 3], Array(repeating: 1, count: 9)), ("bias", [1], [0])])
            .scope(device)
        let layer = Convolution(
            scope, in: 1, out: 1, stride: 2, padding: Padding(top: 0, left: 0, bottom: 1, right: 1))
        try scope.finish()
        let x = Tensor((1...16).map { Float($0) }, shape: [1, 4, 4, 1], device: device)
        // The window at the upper left sums 1...3, 5...7, 9...11; those at the edge see zeros below and to the right.
        #expect(try layer(x).floats() == [54, 45, 72, 54])
    }

    @Test func groupNormalizationNormalizesEachGroupOfASample() throws {
        let scope = try MadeWeights([("weight", [4], [1, 1, 2, 2]), ("bias", [4], [0, 0, 1, 1])]).scope(device)
        let layer = GroupNormalization(scope, groups: 2, channels: 4, epsilon: 0)
        try scope.finish()
        let x = Tensor([1, 3, 10, 30], shape: [1, 1, 1, 4], device: device)
        #expect(try layer(x).floats() == [-1, 1, -1, 3])
        let activated = try layer(x, activation: .silu).floats()
        #expect(abs(activated[1] - 0.7310586) < 1e-6 && abs(activated[3] - 2.8577224) < 1e-6)
    }

    @Test func layerNormalizationNormalizesEachPosition() throws {
        let scope = try MadeWeights([("weight", [2], [1, 3]), ("bias", [2], [0, 1])]).scope(device)
        let layer = LayerNormalization(scope, channels: 2, epsilon: 0)
        try scope.finish()
        let x = Tensor([1, 3, 5, 1], shape: [1, 2, 2], device: device)
        #expect(try layer(x).floats() == [-1, 4, 1, -2])
    }

    @Test func embeddingReadsRows() throws {
        let scope = try MadeWeights([("weight", [3, 2], [0, 1, 10, 11, 20, 21])]).scope(device)
        let layer = Embedding(scope, count: 3, channels: 2)
        try scope.finish()
        let rows = layer([[2, 0], [1, 1]])
        #expect(rows.shape == [2, 2, 2])
        #expect(try rows.floats() == [20, 21, 0, 1, 10, 11, 10, 11])
    }
}
