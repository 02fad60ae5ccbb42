// Control messages as what they are: anybody who may publish can send one, so they only say where to look.

import Synchronization

/// The jobs that control messages spoke of since they were last taken.
final class JobNudges: Sendable {
    /// One element while jobs are waiting, however many messages came.
    let signals: AsyncStream<Void>

    private let jobs = Mutex<Set<Int64>>([])
    private let signal: AsyncStream<Void>.Continuation
    /// More jobs than any worker holds; a flood of made-up ones takes no memory.
    private static let limit = 10_000

    init() { (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    /// Notes that a job's row may have changed.
    func note(_ job: Int64) {
        jobs.withLock { if $0.count < Self.limit { $0.insert(job) } }
        signal.yield()
    }

    /// The jobs that were noted, once.
    func take() -> Set<Int64> {
        jobs.withLock { jobs in
            defer { jobs = [] }
            return jobs
        }
    }

    /// Ends ``signals``.
    func finish() { signal.finish() }
}
