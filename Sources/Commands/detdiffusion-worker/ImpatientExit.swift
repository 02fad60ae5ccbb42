// The way out for people in a hurry: a second signal, or a drain that does not come to its end.

import Dispatch
import Foundation
import Synchronization

/// Counts SIGTERM and SIGINT beside the service group, which drains at the first.
///
/// The second one ends the process at once; so does a computation that ignores the end of the grace time for ten more
/// seconds. Leases that are still held then run out by themselves.
final class ImpatientExit {
    private let sources: [any DispatchSourceSignal]

    /// Watches from now on, until it is freed.
    /// - Parameter grace: how long a drain may take.
    init(grace: Duration) {
        let queue = DispatchQueue(label: "impatient-exit")
        let limit = Double((grace + .seconds(10)).components.seconds)
        let signals = SignalCount()
        sources = [SIGTERM, SIGINT].map { signal in
            let source = DispatchSource.makeSignalSource(signal: signal, queue: queue)
            source.setEventHandler {
                if signals.next() >= 2 { _exit(128 + signal) }
                queue.asyncAfter(deadline: .now() + limit) { _exit(0) }
            }
            source.resume()
            return source
        }
    }

    deinit { for source in sources { source.cancel() } }
}

/// How many signals came.
private final class SignalCount: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
