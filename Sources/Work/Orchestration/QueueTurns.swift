// The turns of every queue, and how old the worker's knowledge of the jobs is.

import Synchronization
import Tasks

/// Whose turn it is in each of a worker's queues.
final class QueueTurns: Sendable {
    private struct State {
        var turns = JobTurns()
        var lookedAt: ContinuousClock.Instant?
    }

    /// How long the list of competing jobs is trusted: a worker whose batches take longer knows of every new job before
    /// its next claim, and one that claims hundreds of batches a second asks five times.
    static let trust = Duration.milliseconds(200)

    private let states = Mutex<[WorkQueue: State]>([:])

    /// Whether the list of a queue's jobs is too old. Where it is, the caller looks: nobody else is told so for a while.
    func isLookDue(_ queue: WorkQueue, at now: ContinuousClock.Instant = .now) -> Bool {
        states.withLock { states in
            if let last = states[queue]?.lookedAt, last.duration(to: now) < Self.trust { return false }
            states[queue, default: State()].lookedAt = now
            return true
        }
    }

    /// Notes which jobs have claimable work in a queue.
    func compete(_ jobs: [Int64], in queue: WorkQueue) {
        states.withLock { $0[queue, default: State()].turns.compete(jobs) }
    }

    /// The job that is to be served instead of the one that a hint names; `nil` where it is that job's turn, or where
    /// nothing is known of it.
    func other(than job: Int64, in queue: WorkQueue) -> Int64? {
        states.withLock { states in
            guard let turns = states[queue]?.turns, turns.jobs.contains(job), let next = turns.next else { return nil }
            return next == job ? nil : next
        }
    }

    /// Notes that a job was given tasks.
    func gave(_ tasks: Int, to job: Int64, in queue: WorkQueue) {
        states.withLock { $0[queue]?.turns.gave(tasks, to: job) }
    }

    /// Notes that a job has nothing claimable.
    func drop(_ job: Int64, in queue: WorkQueue) {
        states.withLock { $0[queue]?.turns.drop(job) }
    }
}
