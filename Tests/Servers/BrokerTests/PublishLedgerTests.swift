// The bookkeeping of callers: each gets exactly one outcome.

import Synchronization
import Testing

@testable import Broker

/// A ledger behind a lock, so that a continuation's closure can reach it.
private final class LockedLedger: Sendable {
    let ledger = Mutex(PublishLedger())
}

@Suite struct PublishLedgerTests {
    private static func messages(_ count: Int) -> [OutgoingMessage] {
        (0..<count).map { OutgoingMessage(routingKey: "q", message: Message(body: [], type: "t", messageID: "\($0)")) }
    }

    /// Attaches a caller, then does something that must settle it.
    private func outcome(
        _ locked: LockedLedger, _ batch: Int, _ settle: @escaping @Sendable (inout PublishLedger) -> [SettledWaiter?]
    ) async -> Result<Void, BrokerError> {
        await withCheckedContinuation { continuation in
            let waiters = locked.ledger.withLock { ledger in
                [ledger.attach(continuation, to: batch)] + settle(&ledger)
            }
            for waiter in waiters { waiter?.resume() }
        }
    }

    @Test func aBatchSucceedsWhenAllItsMessagesAreConfirmed() async throws {
        let locked = LockedLedger()
        let batch = locked.ledger.withLock { $0.add(Self.messages(3)) { _ in } }
        let result = await outcome(locked, batch) { ledger in
            let items = ledger.take(10)
            return ledger.confirmed([items[0]]) + ledger.confirmed(Array(items[1...]))
        }
        try result.get()
    }

    @Test func anOutcomeWaitsForACallerWhoAsksLate() async throws {
        let locked = LockedLedger()
        let batch = locked.ledger.withLock { ledger in
            let batch = ledger.add(Self.messages(1)) { _ in }
            #expect(ledger.confirmed(ledger.take(1)).isEmpty)
            return batch
        }
        try await outcome(locked, batch) { _ in [] }.get()
    }

    @Test func aFailureDropsTheUnsentRestAndSaysHowManyWereConfirmed() async throws {
        let locked = LockedLedger()
        let batch = locked.ledger.withLock { $0.add(Self.messages(10)) { _ in } }
        let result = await outcome(locked, batch) { ledger in
            let sent = ledger.take(3)
            var waiters = [ledger.failed(sent[0], BrokerError(.nacked, "refused"))]
            #expect(ledger.unsentCount == 0)
            #expect(ledger.take(10).isEmpty)
            waiters += ledger.confirmed(Array(sent[1...]))
            return waiters
        }
        let error = try #require(throws: BrokerError.self) { try result.get() }
        #expect(error.code == .nacked)
        #expect(error.confirmedCount == 2)
        #expect(error.description.contains("2 of 10"))
    }

    @Test func messagesOfALostConnectionComeFirstAgain() {
        var ledger = PublishLedger()
        _ = ledger.add(Self.messages(5)) { _ in }
        let sent = ledger.take(3)
        ledger.putBack(Array(sent[1...]))
        #expect(ledger.take(10).map(\.index) == [1, 2, 3, 4])
    }

    @Test func anExpiredBatchIsNotSentAgain() async throws {
        let locked = LockedLedger()
        let batch = locked.ledger.withLock { $0.add(Self.messages(4)) { _ in } }
        let result = await outcome(locked, batch) { ledger in
            let sent = ledger.take(2)
            let waiter = ledger.expire(batch) { BrokerError(.unavailable, "\($0) of \($1)") }
            ledger.putBack(sent)
            #expect(ledger.take(10).isEmpty)
            #expect(ledger.confirmed(sent).isEmpty)
            return [waiter]
        }
        #expect(throws: BrokerError(.unavailable, "0 of 4")) { try result.get() }
    }

    @Test func closingSettlesEverythingAndWhatComesLater() async throws {
        let locked = LockedLedger()
        let stopped = BrokerError(.stopped, "stopped")
        let early = locked.ledger.withLock { $0.add(Self.messages(1)) { _ in } }
        let first = await outcome(locked, early) { ledger in ledger.close(stopped) }
        #expect(throws: stopped) { try first.get() }
        let late = locked.ledger.withLock { $0.add(Self.messages(1)) { _ in } }
        let second = await outcome(locked, late) { _ in [] }
        #expect(throws: stopped) { try second.get() }
        let gone = await outcome(locked, late) { _ in [] }
        #expect(throws: BrokerError.self) { try gone.get() }
    }
}
