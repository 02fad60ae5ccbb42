// What a job and its tasks may be: what the planner accepts, and what is believed of a row or a message.

import Layouts

/// The ranges of a job's numbers, the same where people ask for them and where recorded ones are read.
public enum JobRanges {
    /// A side of a generated image in pixels; also a multiple of ``sideStep``.
    public static let sides = 8...4096
    /// Latents are an eighth of an image.
    public static let sideStep = 8
    /// Images per layout.
    public static let samples = 1...1000
    /// Tasks that a new job may have per shard. Packing, audits, exports and changes of whole shards hold its rows,
    /// some kilobytes each, in memory: tens of megabytes with this many. Its archive then has gigabytes; larger
    /// ones help nobody.
    public static let shardSizes = 1...10_000
    /// Tasks per shard of jobs that were recorded when there was no such limit.
    public static let recordedShardSizes = 1...1_000_000
    /// Seeds that every JSON reader holds exactly.
    public static let seeds = UInt64(0)...(1 << 53 - 1)
    /// Denoising steps.
    public static let steps = 1...10_000
    /// Classifier-free guidance scales.
    public static let guidance = 0.0...1000.0
    /// gamma and beta of eq. 2.
    public static let thresholds = 0.0...1.0

    /// Whether an image may have this side, in pixels.
    public static func isSide(_ side: Int) -> Bool { sides.contains(side) && side % sideStep == 0 }
}

extension GenerateSpecification {
    /// Refuses numbers that no producer records: what a row says is computed with, and must not end a worker.
    func check() throws(TaskError) {
        func require(_ condition: Bool, _ field: String, _ expected: String, _ found: Any) throws(TaskError) {
            guard condition else {
                throw TaskError(.unreadable, "job specification: \(field): expected \(expected), found \(found)")
            }
        }
        try require((1...Self.currentVersion).contains(version), "version", "1 to \(Self.currentVersion)", version)
        try require(kind == .generate, "kind", "generate", kind)
        try require(
            (rules != nil) == (strategy == .mixed), "rules", "them with strategy mixed, and only there",
            rules == nil ? "none" : "some")
        for (field, side) in [("width", width), ("height", height)] {
            try require(
                JobRanges.isSide(side), field,
                "\(JobRanges.sides.words) pixels in multiples of \(JobRanges.sideStep)", side)
        }
        try require(JobRanges.samples.contains(samples), "samples", JobRanges.samples.words, samples)
        if let repeats = rebalance?.maximumRepeats {
            let range = Rebalance.repeatRange
            try require(range.contains(repeats), "rebalance.maximumRepeats", range.words, repeats)
        }
        try require(
            JobRanges.recordedShardSizes.contains(shardSize), "shardSize", JobRanges.recordedShardSizes.words, shardSize
        )
        try require(JobRanges.seeds.contains(seed), "seed", "less than 2^53", seed)
        try require(GeneratorName.isValid(generator), "generator", GeneratorName.rule, "another name")
        if let steps { try require(JobRanges.steps.contains(steps), "steps", JobRanges.steps.words, steps) }
        if let guidance {
            try require(JobRanges.guidance.contains(guidance), "guidance", JobRanges.guidance.words, guidance)
        }
        try gate?.check()
        for (field, threshold) in [("gamma", gamma), ("beta", beta)] {
            guard let threshold else { continue }
            try require(JobRanges.thresholds.contains(threshold), field, JobRanges.thresholds.words, threshold)
        }
    }
}

extension ClosedRange {
    fileprivate var words: String { "\(lowerBound) to \(upperBound)" }
}
