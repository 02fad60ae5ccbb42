// The way out for people in a hurry: a second signal, or a drain that does not come to its end.

import Dispatch
import Foundation
import ServiceLifecycle

/// After the first signal began the drain, a second SIGTERM or SIGINT ends the process at once; so does a computation
/// that ignores the end of the grace time for ten more seconds. Leases that are still held run out by themselves.
struct SecondSignal: Service {
    let grace: Duration

    func run() async throws {
        try? await gracefulShutdown()  // It throws only when the group is cancelled, and then there is nothing to watch.
        let sources = [SIGTERM, SIGINT].map { signal in
            let source = DispatchSource.makeSignalSource(signal: signal, queue: .global())
            source.setEventHandler { _exit(128 + signal) }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        let limit = grace + .seconds(10)
        // Cancelled as soon as the worker has drained.
        try await Task.sleep(for: limit)
        _exit(0)
    }
}
