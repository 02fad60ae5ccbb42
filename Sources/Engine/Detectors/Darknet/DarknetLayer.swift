// The layers of a darknet network, with the sizes that follow from one another.

import Tensors

/// What a layer gives: rows, columns and channels of one image.
struct DarknetShape: Sendable, Hashable {
    var rows: Int
    var columns: Int
    var channels: Int

    /// All of them.
    var count: Int { rows * columns * channels }

    var isPossible: Bool {
        rows >= 1 && columns >= 1 && channels >= 1 && rows <= 1 << 14 && columns <= 1 << 14 && channels <= 1 << 16
    }
}

/// One layer of a darknet network.
enum DarknetLayer: Sendable {
    case convolutional(DarknetConvolution)
    /// The channels of other layers one after the other, or one group of them: `group` of `groups`.
    case route(layers: [Int], groups: Int, group: Int)
    /// Another layer's output added to the last, then the activation.
    case shortcut(layer: Int, activation: Activation?)
    case maximumPool(PoolingWindow)
    /// Each pixel `scale` times in both directions.
    case upsample(scale: Int)
    case yolo(DarknetHead)
}

/// A convolution as darknet has it.
struct DarknetConvolution: Sendable, Hashable {
    var inputs: Int
    var outputs: Int
    var kernel: Int
    var stride: Int
    var padding: Int
    /// Whether batch normalization follows, whose numbers stand in the weight file.
    var isNormalized: Bool
    var activation: Activation?

    /// Numbers that one output is the sum of.
    var window: Int { inputs * kernel * kernel }
    /// Numbers in the weight file.
    var parameters: Int { outputs * (isNormalized ? 4 : 1) + outputs * window }
}

/// A head that reads boxes off a grid (Bochkovskiy et al. 2020, "YOLOv4"; darknet's `yolo_layer.c`).
struct DarknetHead: Sendable, Hashable {
    /// Width and height of this head's anchors, in pixels of the network's input.
    var anchors: [[Double]]
    /// Number of classes.
    var classes: Int
    /// How far beyond its cell a center may lie: 1 for not at all.
    var scale: Double
    /// How boxes that lie on one another are thinned out.
    var suppression: NonMaximumSuppression.Measure
}
