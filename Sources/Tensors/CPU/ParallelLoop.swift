// The engine's threads: one owner of all parallelism. OpenBLAS, where it multiplies, runs with one thread inside these loops.

import CKernels
import Foundation
import Synchronization

/// Threads that share the iterations of one loop after the other.
///
/// The caller's thread takes part. Loops that arrive from several threads take turns. What an iteration computes must
/// not depend on which lane runs it, so results do not depend on the number of threads.
final class ParallelLoop: @unchecked Sendable {
    // Sendable: `body` and `total` are written by the owner of `turn` while no lane works (`busy` is 0), and read by
    // lanes after `generation`, which is stored with release order, has grown.

    /// How many iterations run at once, the caller's included.
    let lanes: Int
    private let turn = Mutex<Void>(())
    private let generation = Atomic<Int>(0)
    private let next = Atomic<Int>(0)
    private let busy = Atomic<Int>(0)
    private let isStopping = Atomic<Bool>(false)
    private var body: ((_ index: Int, _ lane: Int) -> Void)?
    private var total = 0
    private let sleep = NSCondition()

    /// How often a lane looks for work before it sleeps: some ten microseconds, the usual gap between two operations.
    private static let patience = 4000

    init(lanes: Int) {
        self.lanes = max(1, lanes)
        for lane in 1..<max(2, self.lanes) where lane < self.lanes {
            let start = generation.load(ordering: .acquiring)
            let thread = Thread { [self] in work(lane: lane, after: start) }
            thread.name = "engine-\(lane)"
            thread.stackSize = 1 << 20
            thread.start()
        }
    }

    /// Ends the threads; no loop may run afterwards.
    func stop() {
        sleep.lock()
        isStopping.store(true, ordering: .releasing)
        sleep.broadcast()
        sleep.unlock()
    }

    /// Calls `body` once for each index below `count`, and returns when all calls have returned.
    /// - Parameter alone: the caller's thread does it all, where waking others would take longer.
    func run(_ count: Int, alone: Bool = false, _ body: (_ index: Int, _ lane: Int) -> Void) {
        if count <= 0 { return }
        if lanes == 1 || count == 1 || alone {
            // Scratch memory belongs to a lane, so this loop, too, waits for its turn.
            turn.withLock { _ in for index in 0..<count { body(index, 0) } }
            return
        }
        turn.withLock { _ in
            withoutActuallyEscaping(body) { body in
                self.body = body
                total = count
                next.store(0, ordering: .relaxed)
                busy.store(lanes - 1, ordering: .relaxed)
                sleep.lock()
                generation.add(1, ordering: .releasing)
                sleep.broadcast()
                sleep.unlock()
                takeIterations(lane: 0)
                while busy.load(ordering: .acquiring) > 0 { Self.pause() }
                self.body = nil
            }
        }
    }

    private func takeIterations(lane: Int) {
        guard let body else { return }
        while true {
            let index = next.add(1, ordering: .relaxed).oldValue
            if index >= total { return }
            body(index, lane)
        }
    }

    private func work(lane: Int, after start: Int) {
        var seen = start
        while let now = waitForWork(after: seen) {
            seen = now
            takeIterations(lane: lane)
            busy.subtract(1, ordering: .acquiringAndReleasing)
        }
    }

    /// The next generation, or nil when the threads are to end.
    private func waitForWork(after seen: Int) -> Int? {
        for _ in 0..<Self.patience {
            let now = generation.load(ordering: .acquiring)
            if now != seen { return now }
            if isStopping.load(ordering: .acquiring) { return nil }
            Self.pause()
        }
        sleep.lock()
        defer { sleep.unlock() }
        while generation.load(ordering: .acquiring) == seen {
            if isStopping.load(ordering: .acquiring) { return nil }
            sleep.wait()
        }
        return generation.load(ordering: .acquiring)
    }

    /// Leaves the core's other thread the execution units for a moment.
    @inline(__always)
    private static func pause() { kernels_pause() }
}
