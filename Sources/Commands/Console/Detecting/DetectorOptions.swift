// Which detector, and from which files.

public import ArgumentParser
public import Detectors

extension DetectorKind: ExpressibleByArgument {}

/// The options of a detector; one is named where `--detector` is given.
public struct DetectorOptions: ParsableArguments {
    /// Which network; no detector is named where it is nil.
    @Option(name: .customLong("detector"), help: "yolov4, faster-rcnn, fcos or atss.")
    public var kind: DetectorKind?
    @Option(
        help: ArgumentHelp(
            "Its weights: darknet's .weights for yolov4; torchvision's (faster-rcnn, fcos) or mmdetection's (atss) state dict, "
                + "as safetensors or as torch saves it.", valueName: "file"))
    var weights: String?
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

    /// For the argument parser.
    public init() {}

    /// The detector that the options name; `nil` where none of them is given.
    public func filesIfGiven() throws -> DetectorFiles? {
        let given: [(flag: String, isGiven: Bool)] = [
            ("--weights", weights != nil), ("--cfg", cfg != nil), ("--names", names != nil),
            ("--threshold", threshold != nil), ("--epsilon", epsilon != nil),
        ]
        guard kind == nil else { return try files() }
        if let stray = given.first(where: \.isGiven) {
            throw CommandError(.usage, "\(stray.flag): expected --detector NAME beside it, found none")
        }
        return nil
    }

    /// The detector that the options name.
    public func files() throws -> DetectorFiles {
        guard let kind else {
            let known = DetectorKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw CommandError(.usage, "--detector: expected one of \(known), found none")
        }
        guard let weights else { throw CommandError(.usage, "--weights: expected the detector's weights, found none") }
        return try DetectorFiles(
            kind, weights: weights, cfg: cfg, names: names, threshold: threshold, epsilon: epsilon)
    }
}

extension DetectorFiles {
    /// A detector as options or a profile name it.
    public init(
        _ kind: DetectorKind, weights: String, cfg: String?, names: String?, threshold: Double?, epsilon: Double?
    ) throws {
        if let threshold, !(0...1).contains(threshold) {
            throw CommandError(.usage, "--threshold: expected 0 to 1, found \(threshold)")
        }
        if let epsilon, !(0...1).contains(epsilon) {
            throw CommandError(.usage, "--epsilon: expected 0 to 1, found \(epsilon)")
        }
        guard (kind == .yolov4) == (cfg != nil) else {
            throw CommandError(
                .usage,
                kind == .yolov4
                    ? "--cfg: expected darknet's .cfg file for yolov4, found none"
                    : "--cfg: only yolov4 reads it; drop the option")
        }
        guard kind != .yolov4 || epsilon == nil else {
            throw CommandError(.usage, "--epsilon: darknet has its own; drop the option")
        }
        self.init(kind: kind, weights: weights)
        configuration = cfg
        self.names = names
        self.threshold = threshold
        self.epsilon = epsilon
    }
}
