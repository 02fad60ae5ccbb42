// What a worker claimed at once.

public import Digests

/// What a worker claimed at once: tasks of one shard, held under one lease.
public struct TaskBatch: Sendable {
    /// The job's row, name and specification.
    public struct Job: Sendable, Hashable {
        /// The job's row in the catalogue.
        public var id: Int64
        /// The job's name.
        public var name: String
        /// Canonical JSON.
        public var specification: String
        /// SHA-256 of the specification.
        public var digest: SHA256Digest

        /// Refers to a job.
        public init(id: Int64, name: String, specification: String, digest: SHA256Digest) {
            self.id = id
            self.name = name
            self.specification = specification
            self.digest = digest
        }
    }

    /// One task of the batch.
    public struct Item: Sendable, Hashable {
        /// Its number in the shard, from 0.
        public var number: Int
        /// The fencing number of this claim.
        public var epoch: Int
        /// Failed tries so far.
        public var attempt: Int
        /// What the kind needs to know; empty for kinds that ask the catalogue.
        public var payload: [UInt8]

        /// Refers to a claimed task.
        public init(number: Int, epoch: Int, attempt: Int, payload: [UInt8]) {
            self.number = number
            self.epoch = epoch
            self.attempt = attempt
            self.payload = payload
        }
    }

    /// What the tasks do.
    public var kind: TaskKind
    /// The job that they belong to.
    public var job: Job
    /// Whether the tasks are those that the job was made of, rather than of what follows its complete shards.
    public var isOwn: Bool
    /// The shard's row.
    public var shard: Int64
    /// The shard's number in the job, from 0.
    public var shardNumber: Int
    /// The lease that protects all items.
    public var lease: Int64
    /// The tasks, in the order of their numbers.
    public var items: [Item]

    /// Gathers what a claim returned.
    public init(
        kind: TaskKind, job: Job, isOwn: Bool = true, shard: Int64, shardNumber: Int, lease: Int64, items: [Item]
    ) {
        self.kind = kind
        self.job = job
        self.isOwn = isOwn
        self.shard = shard
        self.shardNumber = shardNumber
        self.lease = lease
        self.items = items
    }
}
