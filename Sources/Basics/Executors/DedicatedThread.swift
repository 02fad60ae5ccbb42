// One OS thread that runs the jobs of an actor, so that blocking C calls never sit on the cooperative pool.

import Foundation

/// A serial executor over one operating-system thread.
///
/// The cooperative pool has as many threads as there are cores; a call into libpq or a long computation would starve
/// everything else on it. An actor that owns a blocking handle returns one of these as its `unownedExecutor`.
/// The thread ends when ``stop()`` was called and everything enqueued before has run, or when the executor is freed.
public final class DedicatedThread: SerialExecutor {
    private let queue = JobQueue()

    /// Starts the thread.
    /// - Parameter name: shown by `ps -T` and debuggers; Linux keeps the first 15 bytes.
    public init(name: String) {
        let queue = queue
        let thread = Thread {
            // Foundation drops a name that is set before the thread runs, and the C call is not visible to Swift. A
            // name that the kernel does not take only costs its place in listings.
            FileHandle(forWritingAtPath: "/proc/thread-self/comm")?.write(Data(name.utf8.prefix(15)))
            queue.drain()
        }
        thread.stackSize = 8 << 20
        thread.start()
    }

    deinit { queue.close() }

    /// Adds one job; called by the Swift runtime.
    public func enqueue(_ job: consuming ExecutorJob) {
        queue.append(Work(job: UnownedJob(job), executor: asUnownedSerialExecutor()))
    }

    /// Lets the thread end after the jobs that are already there. A job enqueued later is a bug and traps.
    public func stop() { queue.close() }
}

/// A job and the executor in whose name it runs.
private struct Work {
    let job: UnownedJob
    let executor: UnownedSerialExecutor
}

/// The jobs that wait for the thread.
///
/// `@unchecked Sendable`: `jobs` and `isClosed` are only touched while `condition` is locked.
private final class JobQueue: @unchecked Sendable {
    private let condition = NSCondition()
    private var jobs: [Work] = []
    private var isClosed = false

    func append(_ work: Work) {
        condition.lock()
        defer { condition.unlock() }
        precondition(!isClosed, "a job was enqueued on a dedicated thread that has been stopped")
        jobs.append(work)
        condition.signal()
    }

    func close() {
        condition.lock()
        defer { condition.unlock() }
        isClosed = true
        condition.signal()
    }

    func drain() {
        while let batch = next() {
            for work in batch { work.job.runSynchronously(on: work.executor) }
        }
    }

    /// Waits for jobs; `nil` when the queue is closed and empty.
    private func next() -> [Work]? {
        condition.lock()
        defer { condition.unlock() }
        while jobs.isEmpty && !isClosed { condition.wait() }
        guard !jobs.isEmpty else { return nil }
        let batch = jobs
        jobs.removeAll(keepingCapacity: true)
        return batch
    }
}
