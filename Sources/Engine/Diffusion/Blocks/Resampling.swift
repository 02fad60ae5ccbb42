// Half and double the size of an image.

import Networks
import Tensors

/// A 3x3 convolution that keeps every second row and column.
struct Downsampler: Sendable {
    let convolution: Convolution

    /// - Parameter padding: one zero on each side in the U-Net; only below and to the right in the autoencoder.
    init(_ weights: WeightScope, channels: Int, padding: Padding) {
        convolution = Convolution(weights / "conv", in: channels, out: channels, stride: 2, padding: padding)
    }

    /// `[batch, rows, columns, channels]` gives half the rows and columns, rounded up in the U-Net, down
    /// in the autoencoder.
    func callAsFunction(_ x: Tensor) -> Tensor { convolution(x) }
}

/// Repeats rows and columns up to a size, then a 3x3 convolution.
struct Upsampler: Sendable {
    let convolution: Convolution

    init(_ weights: WeightScope, channels: Int) {
        convolution = Convolution(weights / "conv", in: channels, out: channels)
    }

    /// `[batch, ., ., channels]` gives `[batch, rows, columns, channels]`.
    func callAsFunction(_ x: Tensor, rows: Int, columns: Int) -> Tensor {
        convolution(x.upsampledNearest(rows: rows, columns: columns))
    }
}
