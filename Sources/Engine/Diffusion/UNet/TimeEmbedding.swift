// The timestep as channels.

import Foundation
import Networks
import Tensors

/// Sines and cosines of the timestep (Ho et al. 2020), then a perceptron.
struct TimeEmbedding: Sendable {
    let expansion: Linear
    let projection: Linear
    /// One number for each sine.
    let frequencies: [Float]
    let beginsWithCosines: Bool

    init(_ weights: WeightScope, _ configuration: UNetConfiguration) {
        let (channels, width) = (configuration.channels[0], configuration.timeWidth)
        expansion = Linear(weights / "linear_1", in: channels, out: width)
        projection = Linear(weights / "linear_2", in: width, out: width)
        frequencies = Self.frequencies(count: channels / 2, shift: configuration.frequencyShift)
        beginsWithCosines = configuration.beginsWithCosines
    }

    /// `10000^(-k / (count - shift))`; rounded where PyTorch rounds, since the last bit of the first one, times 999,
    /// is seen in the prediction.
    static func frequencies(count: Int, shift: Double) -> [Float] {
        let logarithm = Float(-log(10000.0))
        return (0..<count).map { Float(exp(Double(logarithm * Float($0) / Float(Double(count) - shift)))) }
    }

    /// The waves of one timestep an image, `[batch, channels]`, give the activated embedding `[batch, timeWidth]`, as the residual
    /// blocks take it.
    func callAsFunction(_ waves: Tensor) -> Tensor {
        projection(expansion(waves).applying(.silu)).applying(.silu)
    }

    /// `[batch, channels]`.
    func waves(_ timesteps: [Int], device: any Device) -> Tensor {
        Tensor(timesteps.flatMap { waves(at: $0) }, shape: [timesteps.count, 2 * frequencies.count], device: device)
    }

    func waves(at timestep: Int) -> [Float] {
        let angles = frequencies.map { Double(Float(timestep) * $0) }
        let sines = angles.map { Float(sin($0)) }
        let cosines = angles.map { Float(cos($0)) }
        return beginsWithCosines ? cosines + sines : sines + cosines
    }
}
