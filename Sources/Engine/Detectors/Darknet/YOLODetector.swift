// YOLOv4 and its kin, from darknet's own files.

import Foundation
import Layouts
public import Pixels
public import Tensors

/// A detector whose network is a darknet .cfg and .weights file (Bochkovskiy, Wang and Liao 2020, "YOLOv4").
public struct YOLODetector: Detector {
    /// Boxes that are less sure are not reported. darknet's own threshold for showing boxes is 0.25, the one for counting
    /// average precision 0.005.
    public var threshold: Double
    /// Of boxes that overlap by more than this only the surest stays; darknet's 0.45.
    public var suppressionThreshold = 0.45

    private let network: DarknetNetwork
    private let device: any Device

    /// Reads a network.
    ///
    /// - Throws: ``DetectorError`` where a file cannot be read, or the two do not belong together.
    public init(
        configuration: String, weights: String, device: any Device, threshold: Double = 0.25
    ) throws(DetectorError) {
        network = try DarknetNetwork(DarknetConfiguration(path: configuration), weights: weights, device: device)
        self.device = device
        self.threshold = threshold
    }

    /// How many classes its `[yolo]` layers tell apart.
    public var classes: Int { network.configuration.classes }

    /// Finds objects, the surest first; the network sees all images at once, each as if it were alone.
    public func detect(_ images: [Image]) throws -> [[FoundBox]] {
        guard !images.isEmpty else { return [] }
        let (width, height) = (network.configuration.width, network.configuration.height)
        let pixels = images.flatMap { DarknetResize.floats(of: $0, width: width, height: height) }
        let heads = network(Tensor(pixels, shape: [images.count, height, width, 3], device: device))
        let numbers = try heads.map { (shape: $0.shape, floats: try $0.floats()) }
        return images.indices.map { index in
            boxes(
                of: images[index],
                numbers.map { numbers in
                    let each = numbers.floats.count / images.count
                    return (numbers.shape, numbers.floats[index * each..<(index + 1) * each])
                })
        }
    }

    private func boxes(of image: Image, _ numbers: [(shape: [Int], floats: ArraySlice<Float>)]) -> [FoundBox] {
        let heads = network.configuration.layers.compactMap {
            if case .yolo(let head) = $0 { head } else { nil }
        }
        let candidates = zip(heads, numbers).flatMap { head, numbers in
            head.candidates(
                numbers.floats, rows: numbers.shape[1], columns: numbers.shape[2], width: network.configuration.width,
                height: network.configuration.height, threshold: threshold)
        }
        // As in darknet, a box stands once for each class that it may be, and the last head says how boxes are thinned out.
        let flat = candidates.flatMap { candidate in candidate.scores.map { (candidate.box, $0.label, $0.score) } }
        let kept = NonMaximumSuppression.kept(
            flat.map(\.0), scores: flat.map(\.2), labels: flat.map(\.1), threshold: suppressionThreshold,
            by: heads[heads.count - 1].suppression)
        return kept.compactMap { index in
            let (box, label, score) = flat[index]
            let inside = box.scaled(x: Double(image.width), y: Double(image.height))
                .clipped(toWidth: Double(image.width), height: Double(image.height))
            // A width that overflowed leaves no numbers.
            return inside.isValid ? FoundBox(box: inside, label: label, score: score) : nil
        }
    }
}
