// The gate of a generate job: part of what makes the job the job it is.

public import Digests
public import Layouts

/// Which detector looks at a job's images, and what it must find in them.
public struct GateSpecification: Hashable, Sendable, Codable {
    /// What the detector is called: `yolov4`.
    public var detector: String
    /// SHA-256 over everything that changes its boxes: weights, configuration, names, thresholds, sizes.
    public var detectorDigest: SHA256Digest
    /// The category of each of its labels, as the job's annotations have it; `nil` for labels that mean none of them.
    public var classes: [Int?]
    /// The thresholds, and what follows from them.
    public var rules: QualityGate

    /// Names the gate's detector and its rules.
    public init(detector: String, detectorDigest: SHA256Digest, classes: [Int?], rules: QualityGate) {
        self.detector = detector
        self.detectorDigest = detectorDigest
        self.classes = classes
        self.rules = rules
    }

    /// The most labels that a detector may have.
    static let mostClasses = 100_000

    /// Refuses what no producer records.
    func check() throws(TaskError) {
        guard rules.isValid, GeneratorName.isValid(detector), (1...Self.mostClasses).contains(classes.count) else {
            throw TaskError(
                .unreadable,
                "job specification: gate: expected a detector with 1 to \(Self.mostClasses) classes, and thresholds and retries "
                    + "within their ranges, found others")
        }
    }
}
