// The engine's threads: one owner of all parallelism. OpenBLAS, where it multiplies, runs with one thread inside these loops.

import CKernels
import Foundation
import Synchronization

/// Threads that share the iterations of one loop after the other.
///
/// The caller's thread takes part. Loops that arrive from several threads take turns. What an iteration computes must
/// not depend on which lane runs it, so results do not depend on the number of threads.
final class ParallelLoop: @unchecked Sendable {
    // Sendable: `lanes` is written by `init` alone, and started threads do not read it; `body` and `total` are written
    // by the owner of `turn` while no lane works (`busy` is 0), and read by lanes after `generation`, which is stored
    // with release order, has grown.

    /// How many iterations run at once, the caller's included.
    private(set) var lanes = 1
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

    /// - Parameter wanted: how many lanes; there are fewer where the system starts no more threads.
    init(lanes wanted: Int) {
        while lanes < wanted, startThread(lane: lanes) { lanes += 1 }
    }

    /// Whether the system had a thread to give. Foundation's threads do not say.
    private func startThread(lane: Int) -> Bool {
        let start = unsafe Unmanaged.passRetained(
            LaneStart(loop: self, lane: lane, generation: generation.load(ordering: .acquiring)))
        let code = unsafe kernels_start_thread(
            "engine-\(lane)",
            { address in
                guard let address = unsafe address else { return }
                let start = unsafe Unmanaged<LaneStart>.fromOpaque(address).takeRetainedValue()
                start.loop.work(lane: start.lane, after: start.generation)
            }, start.toOpaque())
        if code != 0 { unsafe start.release() }
        return code == 0
    }

    /// What a new thread is to do.
    private final class LaneStart {
        let loop: ParallelLoop
        let lane: Int, generation: Int

        init(loop: ParallelLoop, lane: Int, generation: Int) {
            (self.loop, self.lane, self.generation) = (loop, lane, generation)
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
            // The cores have one owner at a time.
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
