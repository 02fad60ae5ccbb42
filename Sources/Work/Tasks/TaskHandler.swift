// The plug-in protocol: what a kind of task must provide to run through the worker loop.

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
    /// The shard's row.
    public var shard: Int64
    /// The shard's number in the job, from 0.
    public var shardNumber: Int
    /// The lease that protects all items.
    public var lease: Int64
    /// The tasks, in the order of their numbers.
    public var items: [Item]

    /// Gathers what a claim returned.
    public init(kind: TaskKind, job: Job, shard: Int64, shardNumber: Int, lease: Int64, items: [Item]) {
        self.kind = kind
        self.job = job
        self.shard = shard
        self.shardNumber = shardNumber
        self.lease = lease
        self.items = items
    }
}

/// One generated image, as the catalogue records it.
public struct OutputRecord: Sendable, Hashable {
    /// SHA-256 of the stored file; also its place in the object directory.
    public var digest: SHA256Digest
    /// Size of the stored file in bytes.
    public var bytes: Int
    /// Pixels.
    public var width: Int
    /// Pixels.
    public var height: Int

    /// Describes a stored image.
    public init(digest: SHA256Digest, bytes: Int, width: Int, height: Int) {
        self.digest = digest
        self.bytes = bytes
        self.width = width
        self.height = height
    }
}

/// One packed shard, as the catalogue records it.
public struct ArchiveRecord: Sendable, Hashable {
    /// Relative to the store's root.
    public var path: String
    /// SHA-256 of the file.
    public var digest: SHA256Digest
    /// Size of the file.
    public var bytes: Int
    /// How many images it holds.
    public var samples: Int

    /// Describes a stored archive.
    public init(path: String, digest: SHA256Digest, bytes: Int, samples: Int) {
        self.path = path
        self.digest = digest
        self.bytes = bytes
        self.samples = samples
    }
}

/// What became of one task.
public enum TaskOutcome: Sendable, Hashable {
    /// An image was stored.
    case output(OutputRecord)
    /// A shard was packed.
    case archive(ArchiveRecord)
    /// It failed; permanent means that another attempt cannot help.
    case failed(reason: String, isPermanent: Bool)
}

/// The outcome of the task with this number in the batch.
public struct TaskResult: Sendable, Hashable {
    /// The task's number in the shard.
    public var number: Int
    /// What became of it.
    public var outcome: TaskOutcome

    /// Ties an outcome to its task.
    public init(number: Int, outcome: TaskOutcome) {
        self.number = number
        self.outcome = outcome
    }
}

/// What a handler is and takes.
public struct HandlerDescription: Sendable, Hashable {
    /// What it does.
    public var kind: TaskKind
    /// What its queues are keyed by.
    public var capability: Capability
    /// The most tasks one call of `compute` takes, at least 1.
    public var maximumBatch: Int
    /// Kind of device, library versions and engine version: equal classes give equal bytes for equal seeds.
    public var deviceClass: String
    /// Whether it keeps that to the byte: what is made again is held against the bytes of before only then.
    public var isReproducible: Bool

    /// Describes a handler.
    public init(
        kind: TaskKind, capability: Capability, maximumBatch: Int, deviceClass: String, isReproducible: Bool = true
    ) {
        precondition(maximumBatch >= 1, "a handler takes at least one task at a time")
        self.kind = kind
        self.capability = capability
        self.maximumBatch = maximumBatch
        self.deviceClass = deviceClass
        self.isReproducible = isReproducible
    }
}

/// A kind of task as a plug-in of the worker loop.
public protocol TaskHandler: Sendable {
    /// What it serves and how much at once.
    var description: HandlerDescription { get }

    /// Whether `compute` occupies the device. Work without a device is done beside it, one batch at a time.
    var needsDevice: Bool { get }

    /// Loads what it needs; runs once before the first claim.
    func prepare() async throws

    /// The part that owns the device: one batch at a time. It returns the second half, which stores the results and may
    /// overlap the computing of the next batch. Either half may throw when the batch as a whole failed; a failure of
    /// one task is an outcome. Cancellation means: stop soon, the batch will be given back.
    func compute(_ batch: TaskBatch) async throws -> StoreResults
}

extension TaskHandler {
    /// It does, unless a handler says otherwise.
    public var needsDevice: Bool { true }
}

/// Stores what `compute` made, and says what became of every task of the batch.
public typealias StoreResults = @Sendable () async throws -> [TaskResult]

/// The surroundings failed, not the task: the disc is full, the object directory is away. The worker keeps the results,
/// waits and tries again; no attempt is counted.
public struct WorkPaused: Error, CustomStringConvertible, Sendable {
    /// One line: what is missing and how to bring it back.
    public let description: String

    /// Says why work pauses.
    public init(_ description: String) { self.description = description }
}

/// This worker can do no more work of this kind, and others can: its weights have changed, its device is gone. It gives
/// the batch back, so that no attempt is counted, and ends with the cause's line and exit code.
public struct WorkerUnfit: Error, CustomStringConvertible, Sendable {
    /// What has happened.
    public let cause: any Error

    /// The cause's one line.
    public var description: String { "\(cause)" }

    /// Ends the worker because of `cause`.
    public init(_ cause: any Error) { self.cause = cause }
}
