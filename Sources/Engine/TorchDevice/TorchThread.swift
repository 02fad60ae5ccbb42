// The one thread that calls libtorch.

import Foundation
import Synchronization
import Tensors

/// Runs what other threads hand it, one after the other, while they wait.
///
/// libtorch keeps a team of OpenMP threads, a grad mode and a stream for each thread that calls it: several callers would have
/// several teams, and a captured graph would miss what another thread began.
final class TorchThread: @unchecked Sendable {
    // Sendable: `turns` is only touched while `condition` is locked.
    private let condition = NSCondition()
    private var turns: [Turn] = []
    /// How many turns were ever added: what the thread watches before it sleeps.
    private let added = Atomic<Int>(0)

    /// Somebody's work, and whether it is done.
    private final class Turn: @unchecked Sendable {
        // Sendable: `body` runs once, and its effects are published by `isDone`.
        private var body: (() -> Void)?
        let isDone = Atomic<Bool>(false)

        init(_ body: @escaping () -> Void) { self.body = body }

        /// Keeps nothing of the work: who waits may return at once.
        func run() {
            body?()
            body = nil
        }
    }

    /// How often a thread looks before it sleeps: some microseconds, about what waking it takes.
    private static let patience = 3000
    private static let key = "detdiffusion.torch"

    /// Starts the thread, which lives as long as the process: libtorch cannot be closed.
    init() {
        let thread = Thread { [self] in
            Thread.current.threadDictionary[Self.key] = true
            while true { next().forEach(take) }
        }
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Runs `body` on the thread, and waits for it.
    func run<Value>(_ body: () throws(DeviceError) -> Value) throws(DeviceError) -> Value {
        var result: Result<Value, DeviceError>?
        perform { result = Result { () throws(DeviceError) in try body() } }
        guard let result else { preconditionFailure("a turn ended without a result") }
        return try result.get()
    }

    /// Runs `body` on the thread before what is handed to it later, and does not wait.
    func post(_ body: @escaping @Sendable () -> Void) { append(Turn(body)) }

    private func perform(_ body: () -> Void) {
        if Thread.current.threadDictionary[Self.key] != nil { return body() }
        withoutActuallyEscaping(body) { body in
            let turn = Turn(body)
            append(turn)
            for _ in 0..<Self.patience where turn.isDone.load(ordering: .acquiring) { return }
            condition.lock()
            while !turn.isDone.load(ordering: .acquiring) { condition.wait() }
            condition.unlock()
        }
    }

    private func append(_ turn: Turn) {
        condition.lock()
        turns.append(turn)
        added.add(1, ordering: .releasing)
        condition.broadcast()
        condition.unlock()
    }

    private func take(_ turn: Turn) {
        turn.run()
        condition.lock()
        turn.isDone.store(true, ordering: .releasing)
        condition.broadcast()
        condition.unlock()
    }

    private func next() -> [Turn] {
        let seen = added.load(ordering: .acquiring)
        for _ in 0..<Self.patience where added.load(ordering: .acquiring) != seen { break }
        condition.lock()
        defer { condition.unlock() }
        while turns.isEmpty { condition.wait() }
        defer { turns.removeAll(keepingCapacity: true) }
        return turns
    }
}
