// Which images of a job with a gate are exported: those that pass it, or other thresholds.

public import Catalogue
import Layouts
import Tasks

/// Leaves out images in which a detector did not find enough; nothing has to be generated anew to ask again.
public struct GateFilter: Sendable {
    /// Thresholds that take the place of the job's own.
    public struct Thresholds: Sendable, Hashable {
        /// The least share of an image's easy objects that must be found, 0 to 1.
        public var minRecall: Double?
        /// The score from which a detection counts, 0 to 1.
        public var minScore: Double?

        /// Names those that are not the job's.
        public init(minRecall: Double? = nil, minScore: Double? = nil) {
            self.minRecall = minRecall
            self.minScore = minScore
        }

        var isEmpty: Bool { minRecall == nil && minScore == nil }
    }

    private let job: String
    private let gate: QualityGate?
    private let thresholds: Thresholds

    /// - Throws: ``ExportError`` for thresholds where the job has no gate, or outside 0 to 1.
    public init(_ thresholds: Thresholds = Thresholds(), of source: ExportSource) throws(ExportError) {
        try self.init(thresholds, job: source.job.name, gate: source.specification.gate?.rules)
    }

    init(_ thresholds: Thresholds, job: String, gate: QualityGate?) throws(ExportError) {
        for (flag, value) in [("--min-recall", thresholds.minRecall), ("--min-score", thresholds.minScore)] {
            guard let value, !(0...1).contains(value) else { continue }
            throw ExportError(.refused, "\(flag): expected 0 to 1, found \(value)")
        }
        guard gate != nil || thresholds.isEmpty else {
            throw ExportError(
                .refused,
                "cannot filter the job '\(job)': expected a job with a quality gate, whose images a detector has looked at, "
                    + "found one without; leave out --min-recall and --min-score, or enqueue it with --gate")
        }
        self.job = job
        self.gate = gate
        self.thresholds = thresholds
    }

    /// Whether every image is exported, so that nobody has to look.
    public var keepsAll: Bool { gate.map { $0.otherwise == .keep && thresholds.isEmpty } ?? true }

    /// Whether an image is exported.
    public func keeps(_ output: ShardOutput) throws -> Bool {
        guard let gate, !keepsAll else { return true }
        let layout = try LayoutTask(decoding: output.payload).layout
        guard let text = output.judgement else {
            throw ExportError(
                .damaged,
                "cannot export the job '\(job)': expected what its gate found in every image, found nothing beside "
                    + "'\(output.key)'; export without thresholds of a job whose gate keeps all, or mend the catalogue's row"
            )
        }
        let judgement = try ImageJudgement(decoding: text, objects: layout.objects.count)
        if thresholds.isEmpty { return judgement.isPassed }
        let recall = gate.recall(of: layout, found: judgement.objects, minScore: thresholds.minScore)
        return recall >= thresholds.minRecall ?? gate.minRecall
    }
}
