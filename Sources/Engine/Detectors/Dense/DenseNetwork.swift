// The layers of a detector of one stage, under the names that torchvision and mmdetection give them.

import Tensors

/// A ResNet, a feature pyramid over its last three stages, and the same head over each of the pyramid's maps.
struct DenseNetwork: Sendable {
    private let backbone: ResNet
    private let pyramid: FeaturePyramid
    let head: DenseHead

    /// `[1, rows, columns, 3]` gives what the head says of each map, at 1/8 of the size, 1/16, 1/32, 1/64 and 1/128.
    func callAsFunction(_ image: Tensor) -> [DenseHead.Output] { head(pyramid(backbone(image))) }

    /// torchvision's FCOS.
    init(fcos weights: StateDict, epsilon: Double) throws(DetectorError) {
        backbone = try ResNet(weights / "backbone" / "body", epsilon: epsilon)
        pyramid = try FeaturePyramid(
            torchvision: weights / "backbone" / "fpn", stages: backbone.channels.dropFirst(), isExtended: true)
        let (classes, boxes) = (weights / "head" / "classification_head", weights / "head" / "regression_head")
        let channels = pyramid.channels
        head = DenseHead(
            classTower: try Self.tower(torchvision: classes / "conv", channels: channels),
            boxTower: try Self.tower(torchvision: boxes / "conv", channels: channels),
            classes: try ConvolutionLayer(classes / "cls_logits", in: channels),
            boxes: [try ConvolutionLayer(boxes / "bbox_reg", in: channels, out: 4)],
            centerness: try ConvolutionLayer(boxes / "bbox_ctrness", in: channels, out: 1), boxActivation: .relu)
    }

    /// mmdetection's ATSS over so many maps.
    init(atss weights: StateDict, maps: Int, epsilon: Double) throws(DetectorError) {
        backbone = try ResNet(weights / "backbone", epsilon: epsilon)
        pyramid = try FeaturePyramid(
            mmdetection: weights / "neck", stages: backbone.channels.dropFirst(), maps: maps)
        let place = weights / "bbox_head"
        let classTower = try Self.tower(mmdetection: place / "cls_convs", in: pyramid.channels)
        let boxTower = try Self.tower(mmdetection: place / "reg_convs", in: pyramid.channels)
        let width = boxTower.layers[boxTower.layers.count - 1].convolution.outputs
        var boxes: [ConvolutionLayer] = []
        for level in 0..<maps {
            let factor = try (place / "scales" / level).values("scale", []).floats[0]
            boxes.append(try ConvolutionLayer(place / "atss_reg", in: width, out: 4, times: factor))
        }
        head = DenseHead(
            classTower: classTower, boxTower: boxTower,
            classes: try ConvolutionLayer(
                place / "atss_cls", in: classTower.layers[classTower.layers.count - 1].convolution.outputs),
            boxes: boxes, centerness: try ConvolutionLayer(place / "atss_centerness", in: width, out: 1),
            boxActivation: nil)
    }

    /// Convolution, normalization and activation in turn.
    private static func tower(torchvision list: StateDict, channels: Int) throws(DetectorError) -> DenseHead.Tower {
        var tower = DenseHead.Tower()
        for index in 0..<max(list.count(of: "weight", step: 3), 1) {
            try tower.append(
                ConvolutionLayer(list / (3 * index), in: channels, out: channels),
                normalizedBy: list / (3 * index + 1))
        }
        return tower
    }

    private static func tower(mmdetection list: StateDict, in inputs: Int) throws(DetectorError) -> DenseHead.Tower {
        var tower = DenseHead.Tower()
        var channels = inputs
        for index in 0..<max(list.count(of: "conv.weight"), 1) {
            let convolution = try ConvolutionLayer(list / index / "conv", in: channels, hasBias: false)
            try tower.append(convolution, normalizedBy: list / index / "gn")
            channels = convolution.outputs
        }
        return tower
    }
}
