// The residual block of U-Net and autoencoder.

import Networks
import Tensors

/// Two normalized 3x3 convolutions and a shortcut around them (He et al. 2016), with the time in between.
struct ResidualBlock: Sendable {
    let normalization1: GroupNormalization
    let convolution1: Convolution
    /// Time embedding to channels; the autoencoder has no time.
    let timeProjection: Linear?
    let normalization2: GroupNormalization
    let convolution2: Convolution
    /// 1x1, where the number of channels changes.
    let shortcut: Linear?

    init(
        _ weights: WeightScope, in inputs: Int, out outputs: Int, timeWidth: Int? = nil, groups: Int, epsilon: Float
    ) {
        normalization1 = GroupNormalization(weights / "norm1", groups: groups, channels: inputs, epsilon: epsilon)
        convolution1 = Convolution(weights / "conv1", in: inputs, out: outputs)
        timeProjection = timeWidth.map { Linear(weights / "time_emb_proj", in: $0, out: outputs) }
        normalization2 = GroupNormalization(weights / "norm2", groups: groups, channels: outputs, epsilon: epsilon)
        convolution2 = Convolution(weights / "conv2", in: outputs, out: outputs)
        shortcut = inputs == outputs ? nil : Linear(weights / "conv_shortcut", in: inputs, out: outputs)
    }

    /// `[batch, rows, columns, in]` and the activated time embedding `[batch, timeWidth]`, or one for as many images each, give
    /// `[batch, rows, columns, out]`.
    ///
    /// - Parameter check: asked before each convolution; what it throws ends the computation, here and in all networks.
    func callAsFunction(_ x: Tensor, time: Tensor? = nil, check: () throws -> Void) rethrows -> Tensor {
        try check()
        var hidden = convolution1(normalization1(x, activation: .silu))
        if let timeProjection, let time {
            hidden = hidden.adding(perImage: timeProjection(time).repeatingEach(to: hidden.shape[0]))
        }
        try check()
        return convolution2(normalization2(hidden, activation: .silu), adding: shortcut?(x) ?? x)
    }
}
