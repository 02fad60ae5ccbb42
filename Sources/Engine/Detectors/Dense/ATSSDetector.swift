// ATSS, from mmdetection's state dict.

import Layouts
public import Pixels
public import Tensors

/// A detector of one stage with one square anchor a cell (Zhang et al. 2020, "Bridging the Gap Between Anchor-based and
/// Anchor-free Detection via Adaptive Training Sample Selection") with a ResNet and a feature pyramid, as mmdetection 3's
/// `atss_r50_fpn` computes it.
///
/// Each image is computed by itself: its boxes do not depend on what is detected with it.
public struct ATSSDetector: Detector {
    /// Pixels that the shorter side of an image gets, unless the longer one would get more than ``longerSide``.
    public var shorterSide = 800
    /// See ``shorterSide``.
    public var longerSide = 1333
    /// Cells whose class is less sure are left out; a box's score is that, times how central the cell is in it.
    public var threshold = 0.05
    /// The surest cells of each map, before overlapping boxes are taken away.
    public var candidatesOfMap = 1000
    /// Of a class's boxes that overlap by more than this only the surest stays.
    public var suppressionThreshold = 0.6
    /// The most boxes that are reported for an image.
    public var limit = 100

    let network: DenseNetwork
    private let device: any Device
    /// Pixels from one cell to the next, for each map.
    private static let strides = [8, 16, 32, 64, 128]
    /// An anchor's side over the stride.
    private static let anchor = 8

    /// Reads a network: mmdetection's state dict, as safetensors or as `torch.save` writes it, checkpoints included.
    ///
    /// - Parameter epsilon: added to the variances of batch normalization.
    /// - Throws: ``DetectorError`` where the file cannot be read or is another network's.
    public init(weights path: String, epsilon: Double = 1e-5, device: any Device) throws(DetectorError) {
        let weights = try StateDict(path: path, owner: "mmdetection's atss_r50_fpn", device: device)
        network = try DenseNetwork(atss: weights, maps: Self.strides.count, epsilon: epsilon)
        try weights.finish()
        self.device = device
    }

    /// mmdetection's labels are places in the list of classes; COCO's 80 in the order of their ids.
    public var classes: Int { network.head.classes.outputs }

    /// Finds objects, the surest first, in each image by itself.
    public func detect(_ images: [Image]) throws -> [[FoundBox]] { try images.map(objects) }

    private func objects(in image: Image) throws -> [FoundBox] {
        let prepared = transform(image, on: device)
        return try candidates(network(prepared.pixels), in: prepared)
            .found(threshold: suppressionThreshold, limit: limit, in: prepared, of: image)
    }

    var transform: ImageTransform {
        ImageTransform(shorter: shorterSide, longer: longerSide, convention: .mmdetection)
    }

    /// Boxes before overlapping ones are taken away.
    func candidates(_ outputs: [DenseHead.Output], in prepared: ImageTransform.Prepared) throws -> ScoredBoxes {
        var found = ScoredBoxes()
        for (output, stride) in zip(outputs, Self.strides) {
            let changes = try output.box.floats()
            let anchors = AnchorGrid(
                shapes: AnchorGrid.square(side: Double(Self.anchor * stride)), across: stride, down: stride,
                columns: output.box.shape[2])
            for candidate in try output.candidates(.sureness, threshold: threshold, limit: candidatesOfMap) {
                let box = BoxDifferences.anchors.apply(changes, at: 4 * candidate.cell, to: anchors[candidate.cell])
                    .clipped(toWidth: Double(prepared.width), height: Double(prepared.height))
                found.append(box, score: candidate.sureness * candidate.centerness, label: candidate.label)
            }
        }
        return found
    }
}
