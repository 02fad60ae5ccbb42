// What failed here is tried elsewhere first.

import Synchronization
import Tasks

/// Shards whose work just failed in this worker. It leaves their hints to other workers for a while, since what it
/// lacks may be there on another host; after that it tries again itself, for there may be nobody else.
final class FailedShards: Sendable {
    private struct Key: Hashable {
        var shard: Int64
        var kind: TaskKind
    }

    private let left = Mutex<[Key: ContinuousClock.Instant]>([:])

    /// Notes that a batch failed.
    func note(_ batch: TaskBatch, until end: ContinuousClock.Instant) {
        left.withLock { $0[Key(shard: batch.shard, kind: batch.kind)] = end }
    }

    /// Whether the work that a hint speaks of is left to others.
    func areLeft(_ hint: Hint, at now: ContinuousClock.Instant = .now) -> Bool {
        left.withLock { left in
            guard !left.isEmpty else { return false }
            left = left.filter { $0.value > now }
            return left[Key(shard: hint.shard, kind: hint.kind)] != nil
        }
    }
}
