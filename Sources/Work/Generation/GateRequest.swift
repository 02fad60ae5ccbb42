// What a user asks of a gate.

public import Digests
public import Layouts
import Tasks

/// The gate of a job that is asked for.
public struct GateRequest: Sendable {
    /// The thresholds, and what follows from them.
    public var rules: QualityGate
    /// What the detector is called.
    public var detector: String
    /// SHA-256 of what identifies the detector.
    public var detectorDigest: SHA256Digest
    /// The category of each of its labels, given the annotation file's categories; `nil` for labels that mean none.
    public var classes: @Sendable (_ categories: [Layouts.Category]) throws -> [Int?]

    /// Names the gate's rules and its detector.
    public init(
        rules: QualityGate, detector: String, detectorDigest: SHA256Digest,
        classes: @escaping @Sendable (_ categories: [Layouts.Category]) throws -> [Int?]
    ) {
        self.rules = rules
        self.detector = detector
        self.detectorDigest = detectorDigest
        self.classes = classes
    }

    func specification(for categories: [Layouts.Category]) throws -> GateSpecification {
        GateSpecification(
            detector: detector, detectorDigest: detectorDigest, classes: try classes(categories), rules: rules)
    }
}

extension GateSpecification {
    /// What is odd about a plan behind this gate.
    func remarks(on statistics: PlanStatistics) -> [InputRemark] {
        let easy = statistics.attributes.first { $0.attribute == .easy }?.objects ?? 0
        guard easy == 0, statistics.objects > 0 else { return [] }
        return [
            InputRemark(
                "no object is meant to be easy, so every image passes the gate; use another --strategy, or leave out --gate"
            )
        ]
    }
}
