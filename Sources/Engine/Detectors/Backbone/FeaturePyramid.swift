// From a network's stages to maps that all have the same channels.

import Tensors

/// A feature pyramid (Lin et al. 2017, "Feature Pyramid Networks for Object Detection", section 3): each stage, brought to
/// the same channels, plus the coarser one in twice the size, through a 3 x 3 convolution.
struct FeaturePyramid: Sendable {
    /// The maps above the coarsest stage's.
    enum Top: Sendable {
        /// Every second pixel of the coarsest map (torchvision's `LastLevelMaxPool`).
        case subsampled
        /// Convolutions of stride 2, the first of the coarsest map.
        case convolutions([ConvolutionLayer], activatesBetween: Bool)
    }

    private let lateral: [ConvolutionLayer]
    private let output: [ConvolutionLayer]
    private let top: Top

    /// Channels of every map.
    var channels: Int { output[0].outputs }

    /// torchvision's `backbone.fpn` over stages of `stages` channels, the finest first; `isExtended` says whether it has
    /// the convolutions `p6` and `p7` above them.
    init(torchvision place: StateDict, stages: ArraySlice<Int>, isExtended: Bool) throws(DetectorError) {
        // Before version 0.13 the convolutions stood one name higher.
        func layer(_ list: String, _ index: Int) -> StateDict {
            let block = place / list / index
            return block.has("weight") ? block : block / 0
        }
        var (lateral, output): ([ConvolutionLayer], [ConvolutionLayer]) = ([], [])
        for (index, channels) in stages.enumerated() {
            lateral.append(
                try ConvolutionLayer(layer("inner_blocks", index), in: channels, out: lateral.first?.outputs, kernel: 1)
            )
            output.append(
                try ConvolutionLayer(layer("layer_blocks", index), in: lateral[0].outputs, out: lateral[0].outputs))
        }
        (self.lateral, self.output) = (lateral, output)
        guard isExtended else {
            top = .subsampled
            return
        }
        let (width, extra) = (output[0].outputs, place / "extra_blocks")
        top = .convolutions(
            [
                try ConvolutionLayer(extra / "p6", in: width, out: width, stride: 2),
                try ConvolutionLayer(extra / "p7", in: width, out: width, stride: 2),
            ], activatesBetween: true)
    }

    /// mmdetection's `neck` with `add_extra_convs='on_output'` over stages of `stages` channels, the finest first, and as
    /// many convolutions above them as it takes to have `maps`.
    init(mmdetection place: StateDict, stages: ArraySlice<Int>, maps: Int) throws(DetectorError) {
        var (lateral, output): ([ConvolutionLayer], [ConvolutionLayer]) = ([], [])
        for (index, channels) in stages.enumerated() {
            lateral.append(
                try ConvolutionLayer(
                    place / "lateral_convs" / index / "conv", in: channels, out: lateral.first?.outputs, kernel: 1))
        }
        let width = lateral[0].outputs
        for index in 0..<maps {
            output.append(
                try ConvolutionLayer(
                    place / "fpn_convs" / index / "conv", in: width, out: width, stride: index < lateral.count ? 1 : 2))
        }
        self.lateral = lateral
        self.output = Array(output.prefix(lateral.count))
        top = .convolutions(Array(output.dropFirst(lateral.count)), activatesBetween: false)
    }

    /// The stages of a network, the finest first, give the maps of the pyramid, the finest first; stages that it has no
    /// layers for, the first ones, are not looked at.
    func callAsFunction(_ stages: [Tensor]) -> [Tensor] {
        var maps: [Tensor] = []
        var coarser: Tensor?
        for (index, stage) in stages.suffix(lateral.count).enumerated().reversed() {
            let above = coarser.map { $0.upsampledNearest(rows: stage.shape[1], columns: stage.shape[2]) }
            let sum = lateral[index](stage, adding: above)
            maps.insert(output[index](sum), at: 0)
            coarser = sum
        }
        switch top {
        case .subsampled: maps.append(maps[maps.count - 1].pooled(.greatest, PoolingWindow(1, stride: 2)))
        case .convolutions(let layers, let activatesBetween):
            for (index, layer) in layers.enumerated() {
                let last = maps[maps.count - 1]
                maps.append(layer(index > 0 && activatesBetween ? last.applying(.relu) : last))
            }
        }
        return maps
    }
}
