// Syncing several files at once.

import Foundation
import Synchronization

extension Disc {
    /// How many files are synced at the same time; measured best between 4 and 16 (see docs/performance.md).
    private static let lanes = 8

    /// Syncs files or folders side by side, each as ``sync(_:)`` does.
    ///
    /// A journaling file system commits the entries of concurrent fsyncs together, so sixteen small files cost little
    /// more than one. The threads end before this returns.
    static func sync(_ paths: [String]) throws(StoreError) {
        guard paths.count > 1 else {
            for path in paths { try sync(path) }
            return
        }
        let queue = SyncQueue(paths)
        let threads = DispatchGroup()
        for _ in 0..<min(lanes, paths.count) {
            threads.enter()
            let thread = Thread {
                queue.drain()
                threads.leave()
            }
            thread.start()
        }
        threads.wait()
        if let failure = queue.failure { throw failure }
    }
}

/// The files that still have to be synced, and the first failure.
private final class SyncQueue: Sendable {
    private let state: Mutex<(remaining: ArraySlice<String>, failure: StoreError?)>

    init(_ paths: [String]) { state = Mutex((paths[...], nil)) }

    var failure: StoreError? { state.withLock { $0.failure } }

    /// Syncs until nothing is left or something failed.
    func drain() {
        while let path = state.withLock({ $0.failure == nil ? $0.remaining.popFirst() : nil }) {
            do throws(StoreError) {
                try Disc.sync(path)
            } catch {
                state.withLock { $0.failure = $0.failure ?? error }
            }
        }
    }
}
