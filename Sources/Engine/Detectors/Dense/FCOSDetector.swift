// FCOS, from torchvision's state dict.

import Layouts
public import Pixels
public import Tensors

/// A detector of one stage without anchors (Tian et al. 2019, "FCOS") with a ResNet and a feature pyramid, as torchvision's
/// `fcos_resnet50_fpn` computes it.
///
/// Each image is computed by itself: its boxes do not depend on what is detected with it. (torchvision pads the images of a
/// batch to one size, so there they do.)
public struct FCOSDetector: Detector {
    /// Pixels that the shorter side of an image gets, unless the longer one would get more than ``longerSide``.
    public var shorterSide = 800
    /// See ``shorterSide``.
    public var longerSide = 1333
    /// Boxes that are less sure are not reported.
    public var threshold = 0.2
    /// The surest cells of each map, before overlapping boxes are taken away.
    public var candidatesOfMap = 1000
    /// Of a class's boxes that overlap by more than this only the surest stays.
    public var suppressionThreshold = 0.6
    /// The most boxes that are reported for an image.
    public var limit = 100

    let network: DenseNetwork
    private let device: any Device
    /// Pixels that the network's unit of length stands for, for each map.
    private static let units = [8.0, 16, 32, 64, 128]

    /// Reads a network: torchvision's state dict, as safetensors or as `torch.save` writes it.
    ///
    /// - Parameter epsilon: added to the variances of batch normalization; torchvision's is 1e-5, with the weights that it
    ///   publishes for this network too.
    /// - Throws: ``DetectorError`` where the file cannot be read or is another network's.
    public init(weights path: String, epsilon: Double = 1e-5, device: any Device) throws(DetectorError) {
        let weights = try StateDict(path: path, owner: "torchvision's fcos_resnet50_fpn", device: device)
        network = try DenseNetwork(fcos: weights, epsilon: epsilon)
        try weights.finish()
        self.device = device
    }

    /// torchvision's own weights have COCO's category ids for labels, 91 classes; 0 is never trained.
    public var classes: Int { network.head.classes.outputs }

    /// Finds objects, the surest first, in each image by itself.
    public func detect(_ images: [Image]) throws -> [[FoundBox]] { try images.map(objects) }

    private func objects(in image: Image) throws -> [FoundBox] {
        let prepared = transform(image, on: device)
        return try candidates(network(prepared.pixels), in: prepared)
            .found(threshold: suppressionThreshold, limit: limit, in: prepared, of: image)
    }

    var transform: ImageTransform {
        ImageTransform(shorter: shorterSide, longer: longerSide, convention: .torchvision)
    }

    /// Boxes before overlapping ones are taken away.
    func candidates(_ outputs: [DenseHead.Output], in prepared: ImageTransform.Prepared) throws -> ScoredBoxes {
        var found = ScoredBoxes()
        let (rows, columns) = (prepared.pixels.shape[1], prepared.pixels.shape[2])
        for (output, unit) in zip(outputs, Self.units) {
            let edges = try output.box.floats()
            let (across, down) = (columns / output.box.shape[2], rows / output.box.shape[1])
            for candidate in try output.candidates(.geometricMean, threshold: threshold, limit: candidatesOfMap) {
                let (row, column) = candidate.cell.quotientAndRemainder(dividingBy: output.box.shape[2])
                // Left, top, right and bottom, from the cell's corner.
                let lengths = edges[4 * candidate.cell..<4 * candidate.cell + 4].map { Double($0) * unit }
                let box = Box(
                    x: Double(column * across) - lengths[0], y: Double(row * down) - lengths[1],
                    width: lengths[0] + lengths[2], height: lengths[1] + lengths[3]
                ).clipped(toWidth: Double(prepared.width), height: Double(prepared.height))
                found.append(
                    box, score: (candidate.sureness * candidate.centerness).squareRoot(), label: candidate.label)
            }
        }
        return found
    }
}
