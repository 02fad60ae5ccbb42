// The life of a task as a value: which event leads from which state to which.

/// Where a task stands. The catalogue's SQL moves tasks exactly along ``moved(by:)``; a test holds the two together.
public enum TaskState: String, Sendable, Codable, CaseIterable {
    /// Claimable now.
    case open
    /// Held by a worker under a lease.
    case leased
    /// Failed or lost its worker; claimable again when its back-off is over.
    case waiting
    /// Its result is recorded.
    case done
    /// Given up after the last attempt or a permanent failure; says why.
    case dead
    /// Its job was cancelled before it was claimed.
    case cancelled

    /// The state after `event`, or `nil` when the event does not apply and must change nothing.
    public func moved(by event: TaskEvent) -> TaskState? {
        switch (self, event) {
        case (.open, .claimed): .leased
        case (.leased, .finished): .done
        case (.leased, .failed(let isLastAttempt)), (.leased, .leaseExpired(let isLastAttempt)):
            isLastAttempt ? .dead : .waiting
        case (.leased, .released): .open
        case (.waiting, .due): .open
        case (.dead, .retried): .open
        case (.done, .resultLost): .open
        case (.open, .jobCancelled), (.waiting, .jobCancelled): .cancelled
        case (.open, _), (.leased, _), (.waiting, _), (.done, _), (.dead, _), (.cancelled, _): nil
        }
    }
}

/// What can happen to a task.
public enum TaskEvent: Sendable, Hashable, CaseIterable {
    /// A worker took it: epoch + 1, lease.
    case claimed
    /// The worker that holds its epoch recorded a result.
    case finished
    /// The worker that holds its epoch reported a failure: attempt + 1.
    case failed(isLastAttempt: Bool)
    /// The lease ran out: attempt + 1, one more death.
    case leaseExpired(isLastAttempt: Bool)
    /// The worker gave it back unfinished; no attempt is counted.
    case released
    /// Its back-off is over.
    case due
    /// An operator asked for another round of attempts.
    case retried
    /// The recorded bytes are gone or corrupt.
    case resultLost
    /// Its job was cancelled.
    case jobCancelled

    /// Every event, with and without attempts left.
    public static let allCases: [TaskEvent] = [
        .claimed, .finished, .failed(isLastAttempt: false), .failed(isLastAttempt: true),
        .leaseExpired(isLastAttempt: false), .leaseExpired(isLastAttempt: true), .released, .due, .retried, .resultLost,
        .jobCancelled,
    ]
}

/// Where a shard stands.
public enum ShardState: String, Sendable, Codable, CaseIterable {
    /// Its job follows another, which is not finished yet.
    case blocked
    /// Its tasks are being worked on.
    case open
    /// All its tasks are done (or dead, where the user allowed that many); it waits for what follows: packing, for images.
    case generated
    /// Everything was done with it. Its images are packed, synced, re-read and hashed: visible to training.
    case finished
    /// What follows it failed for good; says why, and `reconcile` mends it.
    case quarantined
    /// Its job was cancelled before it was finished.
    case cancelled
}

/// Whether a job's tasks may be claimed.
public enum JobState: String, Sendable, Codable, CaseIterable {
    case running, paused, cancelled
}
