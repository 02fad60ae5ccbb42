// What a job follows.

/// The job that another waits for, and how.
public struct JobPredecessor: Sendable, Hashable {
    /// What has to be finished before a shard of the follower may be claimed.
    public enum Step: String, Sendable, Codable, CaseIterable {
        /// The whole job.
        case job
        /// The job's shard of the same number; the whole job for shards of numbers that it does not have.
        case shard
    }

    /// The name of the job that is waited for.
    public var job: String
    /// What of it is waited for.
    public var by: Step

    /// Waits for `job`.
    public init(job: String, by: Step = .job) {
        self.job = job
        self.by = by
    }
}

extension JobPredecessor: CustomStringConvertible {
    /// `job 'first'` or `the shards of job 'first'`.
    public var description: String { by == .job ? "job '\(job)'" : "the shards of job '\(job)'" }
}
