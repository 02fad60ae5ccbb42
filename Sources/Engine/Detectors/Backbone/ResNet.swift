// A residual network without its classifier.

import Tensors

/// The stages of a ResNet of bottleneck blocks (He et al. 2016, "Deep Residual Learning for Image Recognition", table 1:
/// 50, 101 and 152 layers), a block's stride in its 3 x 3 convolution as torchvision and mmdetection's `pytorch` style have
/// it.
///
/// The state dict's shapes say how many blocks and channels there are.
struct ResNet: Sendable {
    private let stem: ConvolutionLayer
    private let stages: [[Bottleneck]]

    /// Channels of what each stage gives.
    var channels: [Int] { stages.map { $0[$0.count - 1].outputs } }

    /// Reads `conv1`, `bn1` and `layer1` to `layer4`.
    init(_ place: StateDict, epsilon: Double) throws(DetectorError) {
        stem = try ConvolutionLayer(
            place / "conv1", normalizedBy: place / "bn1", epsilon: epsilon, in: 3, kernel: 7, stride: 2)
        var channels = stem.outputs
        var stages: [[Bottleneck]] = []
        for number in 1...4 {
            let list = place / "layer\(number)"
            var blocks: [Bottleneck] = []
            // At least one: where there is none, its tensors are what the message names.
            for index in 0..<max(list.count(of: "conv1.weight"), 1) {
                let block = try Bottleneck(
                    list / index, in: channels, stride: number > 1 && index == 0 ? 2 : 1, epsilon: epsilon)
                channels = block.outputs
                blocks.append(block)
            }
            stages.append(blocks)
        }
        self.stages = stages
    }

    /// `[batch, rows, columns, 3]` gives what each stage has: at 1/4 of the size, 1/8, 1/16 and 1/32, rounded up.
    func callAsFunction(_ image: Tensor) -> [Tensor] {
        var x = stem(image, activation: .relu).pooled(.greatest, PoolingWindow(3, stride: 2, padding: Padding(1)))
        return stages.map { blocks in
            for block in blocks { x = block(x) }
            return x
        }
    }
}

/// 1 x 1, 3 x 3, 1 x 1, and a shortcut around them.
private struct Bottleneck: Sendable {
    let narrowing: ConvolutionLayer, middle: ConvolutionLayer, widening: ConvolutionLayer
    /// Where the shortcut changes size or channels.
    let shortcut: ConvolutionLayer?

    var outputs: Int { widening.outputs }

    init(_ place: StateDict, in inputs: Int, stride: Int, epsilon: Double) throws(DetectorError) {
        narrowing = try ConvolutionLayer(
            place / "conv1", normalizedBy: place / "bn1", epsilon: epsilon, in: inputs, kernel: 1)
        middle = try ConvolutionLayer(
            place / "conv2", normalizedBy: place / "bn2", epsilon: epsilon, in: narrowing.outputs,
            out: narrowing.outputs,
            kernel: 3, stride: stride)
        let isProjected = place.has("downsample.0.weight") || stride > 1
        widening = try ConvolutionLayer(
            place / "conv3", normalizedBy: place / "bn3", epsilon: epsilon, in: middle.outputs,
            out: isProjected ? nil : inputs, kernel: 1)
        shortcut =
            isProjected
            ? try ConvolutionLayer(
                place / "downsample" / 0, normalizedBy: place / "downsample" / 1, epsilon: epsilon, in: inputs,
                out: widening.outputs, kernel: 1, stride: stride)
            : nil
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        let inside = middle(narrowing(x, activation: .relu), activation: .relu)
        return widening(inside, adding: shortcut.map { $0(x) } ?? x, activation: .relu)
    }
}
