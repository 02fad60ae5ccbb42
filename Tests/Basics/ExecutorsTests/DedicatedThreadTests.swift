// That an actor's jobs run in order on one thread, and that the thread ends with the actor.

import Executors
import Foundation
import Testing

struct DedicatedThreadTests {
    @Test func jobsRunOneAfterTheOtherOnOneThread() async {
        let recorder = Recorder(name: "dt-order")
        await withTaskGroup { group in
            for _ in 0..<500 { group.addTask { await recorder.record() } }
        }
        let (count, threads, overlaps) = await recorder.summary
        #expect(count == 500)
        #expect(threads == 1)
        #expect(overlaps == 0)
    }

    @Test func callsOfOneTaskRunInTheirOrder() async {
        let recorder = Recorder(name: "dt-sequence")
        for value in 0..<100 { await recorder.append(value) }
        #expect(await recorder.values == Array(0..<100))
    }

    @Test func blockingJobLeavesTheCooperativePoolFree() async {
        let gates = (0..<16).map { _ in Gate() }
        await withTaskGroup { group in
            // More blocked actors than the machine has cores, each waiting for what the pool does after them.
            for gate in gates { group.addTask { await Recorder(name: "dt-block").wait(for: gate) } }
            group.addTask { for gate in gates { gate.open() } }
        }
    }

    @Test func threadCarriesItsName() async {
        let recorder = Recorder(name: "dt-named")
        #expect(await recorder.threadName == "dt-named\n")
    }

    @Test(.timeLimit(.minutes(1)))
    func threadEndsWithItsActor() async {
        for _ in 0..<300 {
            await withCheckedContinuation { continuation in
                // Only this task holds the actor.
                Task { await Recorder(name: "dt-freed").leave(Farewell { continuation.resume() }) }
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func threadEndsWhenItIsStopped() async {
        let thread = DedicatedThread(name: "dt-stopped")
        let recorder = Recorder(thread: thread)
        await withCheckedContinuation { continuation in
            Task {
                await recorder.leave(Farewell { continuation.resume() })
                thread.stop()
            }
        }
        withExtendedLifetime(recorder) {}
    }

    @Test func jobAfterStopTraps() async {
        await #expect(processExitsWith: .failure) {
            let thread = DedicatedThread(name: "dt-trap")
            let recorder = Recorder(thread: thread)
            thread.stop()
            await recorder.append(1)
        }
    }
}

/// Says so when it is freed.
private final class Farewell: Sendable {
    private let action: @Sendable () -> Void
    init(_ action: @escaping @Sendable () -> Void) { self.action = action }
    deinit { action() }

    /// The place of a farewell in its thread's own storage; the system calls the closure when the thread ends.
    static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key) { pointer in
            if let pointer { Unmanaged<Farewell>.fromOpaque(pointer).release() }
        }
        return key
    }()
}

private actor Recorder {
    private nonisolated let thread: DedicatedThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    private var threads: Set<ObjectIdentifier> = []
    private var count = 0
    private var overlaps = 0
    private var isInside = false
    private(set) var values: [Int] = []

    init(name: String) { thread = DedicatedThread(name: name) }
    init(thread: DedicatedThread) { self.thread = thread }

    var summary: (count: Int, threads: Int, overlaps: Int) { (count, threads.count, overlaps) }
    /// The name by which the system knows the thread.
    var threadName: String? { try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8) }

    func record() {
        if isInside { overlaps += 1 }
        isInside = true
        threads.insert(ObjectIdentifier(Thread.current))
        count += 1
        isInside = false
    }

    /// Leaves something with the thread, which is freed when the thread ends.
    func leave(_ farewell: Farewell) {
        pthread_setspecific(Farewell.key, Unmanaged.passRetained(farewell).toOpaque())
    }

    func append(_ value: Int) { values.append(value) }
    func wait(for gate: Gate) { gate.wait() }
}

/// Blocks a thread until it is opened.
private final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    func wait() { semaphore.wait() }
    func open() { semaphore.signal() }
}
