// FCOS, from torchvision's state dict, and ATSS, from mmdetection's.

import Layouts
public import Pixels
public import Tensors

/// A detector of one stage with a ResNet and a feature pyramid: FCOS, without anchors (Tian et al. 2019, "FCOS"), as torchvision's
/// `fcos_resnet50_fpn` computes it, or ATSS, with one square anchor a cell (Zhang et al. 2020, "Bridging the Gap Between
/// Anchor-based and Anchor-free Detection via Adaptive Training Sample Selection"), as mmdetection 3's `atss_r50_fpn` does.
///
/// Each image is computed by itself: its boxes do not depend on what is detected with it. (torchvision pads the images of a
/// batch to one size, so there they do.)
public struct DenseDetector: Detector {
    /// Pixels that the shorter side of an image gets, unless the longer one would get more than ``longerSide``.
    public var shorterSide = 800
    /// See ``shorterSide``.
    public var longerSide = 1333
    /// What is less sure is left out: of FCOS's boxes, 0.2; of the classes of ATSS's cells, 0.05, before how central the cell is in
    /// its box comes in.
    public var threshold: Double
    /// The surest cells of each map, before overlapping boxes are taken away.
    public var candidatesOfMap = 1000
    /// Of a class's boxes that overlap by more than this only the surest stays.
    public var suppressionThreshold = 0.6
    /// The most boxes that are reported for an image.
    public var limit = 100

    let network: DenseNetwork
    private let method: DenseMethod
    private let device: any Device

    /// Reads FCOS: torchvision's state dict, as safetensors or as `torch.save` writes it.
    ///
    /// - Parameter epsilon: added to the variances of batch normalization; torchvision's is 1e-5, with the weights that it
    ///   publishes for this network too.
    /// - Throws: ``DetectorError`` where the file cannot be read or is another network's.
    public init(fcos path: String, epsilon: Double = 1e-5, device: any Device) throws(DetectorError) {
        let weights = try StateDict(path: path, owner: "torchvision's fcos_resnet50_fpn", device: device)
        network = try DenseNetwork(fcos: weights, epsilon: epsilon)
        try weights.finish()
        (method, threshold) = (.fcos, 0.2)
        self.device = device
    }

    /// Reads ATSS: mmdetection's state dict, as safetensors or as `torch.save` writes it, checkpoints included.
    ///
    /// - Parameter epsilon: added to the variances of batch normalization.
    /// - Throws: ``DetectorError`` where the file cannot be read or is another network's.
    public init(atss path: String, epsilon: Double = 1e-5, device: any Device) throws(DetectorError) {
        let weights = try StateDict(path: path, owner: "mmdetection's atss_r50_fpn", device: device)
        network = try DenseNetwork(atss: weights, maps: DenseMethod.strides.count, epsilon: epsilon)
        try weights.finish()
        (method, threshold) = (.atss, 0.05)
        self.device = device
    }

    /// torchvision's own weights have COCO's category ids for labels, 91 classes, of which 0 is never trained; mmdetection's labels
    /// are places in the list of classes, COCO's 80 in the order of their ids.
    public var classes: Int { network.head.classes.outputs }

    /// Finds objects, the surest first, in each image by itself.
    public func detect(_ images: [Image]) throws -> [[FoundBox]] { try images.map(objects) }

    private func objects(in image: Image) throws -> [FoundBox] {
        let prepared = transform(image, on: device)
        return try candidates(network(prepared.pixels), in: prepared)
            .found(threshold: suppressionThreshold, limit: limit, in: prepared, of: image)
    }

    var transform: ImageTransform {
        ImageTransform(shorter: shorterSide, longer: longerSide, convention: method.convention)
    }

    /// Boxes before overlapping ones are taken away.
    func candidates(_ outputs: [DenseHead.Output], in prepared: ImageTransform.Prepared) throws -> ScoredBoxes {
        var found = ScoredBoxes()
        for (output, stride) in zip(outputs, DenseMethod.strides) {
            let numbers = try output.box.floats()
            let cells = method.cells(
                of: output, stride: stride, rows: prepared.pixels.shape[1], columns: prepared.pixels.shape[2])
            for candidate in try output.candidates(method.rule, threshold: threshold, limit: candidatesOfMap) {
                let box = method.box(numbers, at: 4 * candidate.cell, of: cells[candidate.cell], stride: Double(stride))
                    .clipped(toWidth: Double(prepared.width), height: Double(prepared.height))
                found.append(box, score: method.score(candidate), label: candidate.label)
            }
        }
        return found
    }
}
