// How long a program that failed waits for its next start, as a pure value.

import Executors

/// Counts the failures of a program since it last made a batch.
struct RestartPace: Sendable {
    private let backoff: Backoff
    private var failures = 0

    init(_ backoff: Backoff) { self.backoff = backoff }

    /// The bound of the wait before the next start; zero for a program that has not failed since its last batch.
    var longestWait: Duration { failures == 0 ? .zero : backoff.bound(attempt: failures - 1) }

    /// The wait before the next start.
    /// - Parameter draw: an even draw in 0 ... 1 for the jitter.
    func wait(draw: Double) -> Duration { longestWait * draw }

    /// The program ended, broke the protocol or did not start.
    mutating func failed() { failures += 1 }

    /// A batch came back.
    mutating func succeeded() { failures = 0 }
}
