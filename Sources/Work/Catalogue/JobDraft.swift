// What a producer hands over: a job and its tasks, in order.

public import Digests
public import Tasks

/// A job that is about to be enqueued.
public struct JobDraft: Sendable {
    /// Unique, and a file name: letters, digits, `.`, `_` and `-`, at most 100.
    public var name: String
    /// What the tasks do.
    public var kind: TaskKind
    /// What a worker needs.
    public var capability: Capability
    /// The priority.
    public var lane: Lane
    /// Shown by `jobs`; part of the specification already.
    public var strategy: String?
    /// Canonical JSON; its hash is the job's identity.
    public var specification: String
    /// The categories of the annotation file, as JSON, for exports.
    public var categories: String
    /// The plan's statistics, as JSON.
    public var statistics: String
    /// What is done with each of its shards once its tasks are accounted for; `nil`: nothing, and the shard is finished.
    public var followUp: FollowUp?
    /// Tasks per shard.
    public var shardSize: Int
    /// Tasks per hint; `nil` keeps what a recorded job has and gives a new one ``defaultHintSize``.
    public var hintSize: Int?
    /// Failed tries after which a task is dead; `nil` keeps what a recorded job has and gives a
    /// new one ``defaultMaximumAttempts``.
    public var maximumAttempts: Int?
    /// The job that it follows; `nil` keeps what a recorded job follows, and a new one follows none.
    public var after: JobPredecessor?

    /// Tasks per hint where nobody asked for another number.
    public static let defaultHintSize = 16
    /// Failed tries where nobody asked for another number.
    public static let defaultMaximumAttempts = 5

    /// Describes a job.
    public init(
        name: String, kind: TaskKind, capability: Capability, lane: Lane, strategy: String?, specification: String,
        categories: String, statistics: String, followUp: FollowUp?, shardSize: Int, hintSize: Int? = nil,
        maximumAttempts: Int? = nil
    ) {
        self.name = name
        self.kind = kind
        self.capability = capability
        self.lane = lane
        self.strategy = strategy
        self.specification = specification
        self.categories = categories
        self.statistics = statistics
        self.followUp = followUp
        self.shardSize = shardSize
        self.hintSize = hintSize
        self.maximumAttempts = maximumAttempts
    }

    /// SHA-256 of the specification.
    public var digest: SHA256Digest { SHA256.digest(of: specification) }

    /// Where its hints may go, and those of what follows its shards: whoever finishes a shard hints that, before anybody who
    /// does it may have been there. A job that was recorded before keeps its lane, so both lanes' queues.
    public var queues: [WorkQueue] { WorkQueue.lanes(of: kind, capability) + (followUp?.queues ?? []) }
}

/// One task of a draft.
public struct TaskDraft: Sendable {
    /// The image whose layout it has.
    public var imageID: Int
    /// Which of the layout's samples it is, from 0.
    public var sample: Int
    /// What the worker's handler reads.
    public var payload: [UInt8]

    /// Describes a task.
    public init(imageID: Int, sample: Int, payload: [UInt8]) {
        self.imageID = imageID
        self.sample = sample
        self.payload = payload
    }
}

/// What ``Catalogue/enqueue(_:taskCount:task:)`` found and did.
public struct EnqueuedJob: Sendable {
    /// The job's row.
    public var id: Int64
    /// False when the same specification was there already.
    public var isNew: Bool
    /// Tasks that were there before this call.
    public var tasksBefore: Int
    /// Tasks added by this call.
    public var tasksAdded: Int
    /// Shards added by this call.
    public var shardsAdded: Int
    /// The lane that the job was first enqueued with.
    public var lane: Lane
    /// Tasks per hint, from now on.
    public var hintSize: Int
    /// Failed tries after which a task is dead, from now on.
    public var maximumAttempts: Int
    /// The ``hintSize`` before this call.
    public var hintSizeBefore: Int
    /// The ``maximumAttempts`` before this call.
    public var maximumAttemptsBefore: Int
    /// The job that it follows.
    public var after: JobPredecessor?
}
