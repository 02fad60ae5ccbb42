// `gate`: how a job's images fared before its gate.

public import Catalogue
import Digests
public import Layouts
import Tasks

/// Counts of a job's judged images, under its own gate or other thresholds.
public struct GateReport: Sendable, Codable, Hashable {
    /// Objects of one attribute.
    public struct Objects: Sendable, Codable, Hashable {
        /// How many there are.
        public var count = 0
        /// How many were found.
        public var found = 0
    }

    /// The job's name.
    public var job: String
    /// The gate's detector, and the first digits of its SHA-256.
    public var detector: String
    /// What the job's gate asks for.
    public var rules: QualityGate
    /// The score from which a detection counts here.
    public var minScore: Double
    /// The least share of easy objects that is asked for here.
    public var minRecall: Double
    /// Images that were judged.
    public var images = 0
    /// Images that pass the thresholds above.
    public var passed = 0
    /// How many images each retry made; the first is the task's own seed.
    public var retries: [Int]
    /// Objects that were meant to be easy.
    public var easy = Objects()
    /// Objects that were meant to be hard; the gate does not look at them.
    public var hard = Objects()

    /// Counts what is recorded of `source` so far.
    ///
    /// Throws ``ExportError`` with code `refused` for a job without a gate, and for thresholds outside 0 to 1.
    public init(_ thresholds: GateFilter.Thresholds, of source: ExportSource, in catalogue: Catalogue) async throws {
        _ = try GateFilter(thresholds, of: source)
        guard let gate = source.specification.gate else {
            throw ExportError(
                .refused,
                "cannot report on the gate of the job '\(source.job.name)': expected a job with a quality gate, found one without; "
                    + "enqueue it with --gate")
        }
        job = source.job.name
        detector = "\(gate.detector) \(gate.detectorDigest.hex.prefix(12))"
        rules = gate.rules
        minScore = thresholds.minScore ?? gate.rules.minScore
        minRecall = thresholds.minRecall ?? gate.rules.minRecall
        retries = [Int](repeating: 0, count: gate.rules.retries + 1)
        for shard in try await catalogue.shardRows(job: source.job.id) where shard.done > 0 {
            for output in try await catalogue.outputs(ofShard: shard.id) { try add(output) }
        }
    }

    private mutating func add(_ output: ShardOutput) throws {
        guard let text = output.judgement else { return }
        let layout = try LayoutTask(decoding: output.payload).layout
        let judgement = try ImageJudgement(decoding: text, objects: layout.objects.count)
        images += 1
        if rules.recall(of: layout, found: judgement.objects, minScore: minScore) >= minRecall { passed += 1 }
        if retries.indices.contains(judgement.retry) { retries[judgement.retry] += 1 }
        for (object, best) in zip(layout.objects, judgement.objects) {
            let isFound = best.map { $0.score >= minScore && $0.iou > rules.minIoU } ?? false
            switch object.attribute {
            case .easy:
                easy.count += 1
                easy.found += isFound ? 1 : 0
            case .hard:
                hard.count += 1
                hard.found += isFound ? 1 : 0
            case .background: break
            }
        }
    }
}
