// Faster R-CNN, from torchvision's state dict.

import Layouts
public import Pixels
public import Tensors

/// A two-stage detector (Ren et al. 2015, "Faster R-CNN") with a ResNet and a feature pyramid, as torchvision's
/// `fasterrcnn_resnet50_fpn` computes it.
///
/// Each image is computed by itself: its boxes do not depend on what is detected with it. (torchvision pads the images of a
/// batch to one size, so there they do.)
public struct FasterRCNNDetector: Detector {
    /// Pixels that the shorter side of an image gets, unless the longer one would get more than ``longerSide``.
    public var shorterSide = 800
    /// See ``shorterSide``.
    public var longerSide = 1333
    /// Sides of the anchors in pixels, one for each of the pyramid's five maps, the finest first.
    public var anchorSides = [32, 64, 128, 256, 512]
    /// The surest proposals of each map, before overlapping ones are taken away.
    public var proposalsOfMap = 1000
    /// The most proposals that the second stage looks at.
    public var proposals = 1000
    /// Of a map's proposals that overlap by more than this only the surest stays.
    public var proposalSuppressionThreshold = 0.7
    /// Boxes that are less sure are not reported.
    public var threshold = 0.05
    /// Of a class's boxes that overlap by more than this only the surest stays.
    public var suppressionThreshold = 0.5
    /// The most boxes that are reported for an image.
    public var limit = 100

    let network: FasterRCNNNetwork
    private let device: any Device

    /// Reads a network: torchvision's state dict, as safetensors or as `torch.save` writes it.
    ///
    /// - Parameter epsilon: added to the variances of batch normalization; 0 for the weights that torchvision itself
    ///   publishes for this network (`FasterRCNN_ResNet50_FPN_Weights.COCO_V1`), 1e-5 for what was trained since
    ///   torchvision's pull request 2933 (2020).
    /// - Throws: ``DetectorError`` where the file cannot be read or is another network's.
    public init(weights path: String, epsilon: Double = 1e-5, device: any Device) throws(DetectorError) {
        let weights = try StateDict(path: path, owner: "torchvision's fasterrcnn_resnet50_fpn", device: device)
        network = try FasterRCNNNetwork(weights, epsilon: epsilon)
        try weights.finish()
        self.device = device
    }

    /// Classes with the background, which is 0 and never found; torchvision's own weights have COCO's category ids for
    /// labels, 91 classes.
    public var classes: Int { network.head.classes }

    /// Finds objects, the surest first, in each image by itself.
    public func detect(_ images: [Image]) throws -> [[FoundBox]] { try images.map(objects) }

    private func objects(in image: Image) throws -> [FoundBox] {
        let prepared = transform(image, on: device)
        let maps = network.maps(prepared.pixels)
        let regions = try RegionProposals.boxes(network.proposals(maps), selection, in: prepared)
        guard !regions.isEmpty else { return [] }
        let aligned = RegionAlignment(regions, on: maps.dropLast())
        return try network.head.objects(
            network.head(aligned.numbers), in: aligned, threshold: threshold, width: prepared.width,
            height: prepared.height
        ).found(threshold: suppressionThreshold, limit: limit, in: prepared, of: image)
    }

    var transform: ImageTransform {
        ImageTransform(shorter: shorterSide, longer: longerSide, convention: .torchvision)
    }

    var selection: RegionProposals.Selection {
        precondition(anchorSides.count == 5, "an anchor's side for each of the five maps")
        return RegionProposals.Selection(
            sides: anchorSides, before: proposalsOfMap, after: proposals, threshold: proposalSuppressionThreshold)
    }
}

/// The layers of both stages.
struct FasterRCNNNetwork: Sendable {
    private let backbone: ResNet
    private let pyramid: FeaturePyramid
    let proposals: RegionProposals
    let head: RegionHead

    init(_ weights: StateDict, epsilon: Double) throws(DetectorError) {
        backbone = try ResNet(weights / "backbone" / "body", epsilon: epsilon)
        pyramid = try FeaturePyramid(
            torchvision: weights / "backbone" / "fpn", stages: backbone.channels[...], isExtended: false)
        proposals = try RegionProposals(weights / "rpn" / "head", channels: pyramid.channels)
        head = try RegionHead(weights / "roi_heads", channels: pyramid.channels)
    }

    /// `[1, rows, columns, 3]` gives the pyramid, at 1/4 of the size, 1/8, 1/16, 1/32 and 1/64.
    func maps(_ image: Tensor) -> [Tensor] { pyramid(backbone(image)) }
}
