// Which detector, and from which files.

import ArgumentParser
import Console
import Detectors
import Tensors

/// The detectors that are known by name.
enum DetectorKind: String, CaseIterable, ExpressibleByArgument {
    case yolov4
    case fasterRCNN = "faster-rcnn"
    case fcos
    case atss
}

/// The options of a detector.
struct DetectorOptions: ParsableArguments {
    @Option(name: .customLong("detector"), help: "yolov4, faster-rcnn, fcos or atss.")
    var kind: DetectorKind
    @Option(
        help: ArgumentHelp(
            "Its weights: darknet's .weights for yolov4; torchvision's (faster-rcnn, fcos) or mmdetection's (atss) state dict, "
                + "as safetensors or as torch saves it.", valueName: "file"))
    var weights: String
    @Option(help: ArgumentHelp("Darknet's .cfg file, for yolov4.", valueName: "file"))
    var cfg: String?
    @Option(
        help: ArgumentHelp(
            "The names of its classes, one a line, in their order. Default: COCO's 80, where it has so many.",
            valueName: "file"))
    var names: String?
    @Option(help: "Boxes that are less sure are left out, 0 to 1. Default: the detector's own.")
    var threshold: Double?
    @Option(
        help: ArgumentHelp(
            "What is added to the variances of batch normalization. Default: 1e-5; torchvision's own COCO_V1 weights of "
                + "faster-rcnn want 0.", valueName: "number"))
    var epsilon: Double?
    @OptionGroup var computing: DeviceOptions

    func validate() throws {
        if let threshold, !(0...1).contains(threshold) {
            throw ValidationError("--threshold: expected 0 to 1, found \(threshold)")
        }
        if let epsilon, !(0...1).contains(epsilon) {
            throw ValidationError("--epsilon: expected 0 to 1, found \(epsilon)")
        }
        guard (kind == .yolov4) == (cfg != nil) else {
            throw ValidationError(
                kind == .yolov4
                    ? "--cfg: expected darknet's .cfg file for yolov4, found none"
                    : "--cfg: only yolov4 reads it; drop the option")
        }
        guard kind != .yolov4 || epsilon == nil else {
            throw ValidationError("--epsilon: darknet has its own; drop the option")
        }
    }

    /// Reads the network: seconds, on the calling thread.
    func detector(on device: any Device) throws -> any Detector {
        let epsilon = epsilon ?? 1e-5
        switch kind {
        case .yolov4:
            return try YOLODetector(
                configuration: cfg ?? "", weights: weights, device: device, threshold: threshold ?? 0.25)
        case .fasterRCNN:
            var detector = try FasterRCNNDetector(weights: weights, epsilon: epsilon, device: device)
            if let threshold { detector.threshold = threshold }
            return detector
        case .fcos, .atss:
            var detector =
                kind == .fcos
                ? try DenseDetector(fcos: weights, epsilon: epsilon, device: device)
                : try DenseDetector(atss: weights, epsilon: epsilon, device: device)
            if let threshold { detector.threshold = threshold }
            return detector
        }
    }
}
