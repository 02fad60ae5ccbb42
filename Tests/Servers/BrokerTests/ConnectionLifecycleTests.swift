// The life of a connection: each rule by name, then every short history.

import Executors
import Testing

@testable import Broker

@Suite struct ConnectionLifecycleTests {
    private let refused = BrokerError(.unavailable, "refused")
    private let wrongPassword = BrokerError(.authentication, "wrong password")
    private let backoff = Backoff(base: .milliseconds(200), cap: .seconds(15))

    @Test func aRefusedConnectionIsTriedAgainWithGrowingJitteredDelays() {
        var lifecycle = ConnectionLifecycle(backoff: backoff)
        #expect(lifecycle.start() == .connect)
        for bound in [200, 400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000] {
            #expect(lifecycle.failed(refused, draw: 1) == .wait(.milliseconds(bound)))
            #expect(lifecycle.waited() == .connect)
        }
        #expect(lifecycle.failed(refused, draw: 0) == .wait(.zero))
    }

    @Test(arguments: [
        BrokerError(.authentication, ""), BrokerError(.tls, ""), BrokerError(.closed(code: 406, text: ""), ""),
    ])
    func aPermanentErrorBeforeTheFirstConnectionEndsTheRun(error: BrokerError) {
        var lifecycle = ConnectionLifecycle(backoff: backoff)
        _ = lifecycle.start()
        _ = lifecycle.failed(refused, draw: 0.5)
        _ = lifecycle.waited()
        #expect(lifecycle.failed(error, draw: 0.5) == .fail(error))
        #expect(lifecycle.state == .stopped)
        #expect(lifecycle.connected() == .finish)
    }

    @Test func aPermanentErrorAfterTheFirstConnectionIsTriedAgainSlowly() {
        var lifecycle = ConnectionLifecycle(backoff: backoff)
        _ = lifecycle.start()
        #expect(lifecycle.connected() == .serve)
        _ = lifecycle.lost(refused, openFor: .seconds(60), draw: 0)
        _ = lifecycle.waited()
        #expect(lifecycle.failed(wrongPassword, draw: 0) == .wait(.milliseconds(7500)))
        #expect(lifecycle.waited() == .connect)
        #expect(lifecycle.failed(wrongPassword, draw: 1) == .wait(.seconds(15)))
    }

    @Test func aConnectionThatLivedResetsTheBackOffAndOneThatDidNotLetsItGrow() {
        var lifecycle = ConnectionLifecycle(backoff: backoff)
        _ = lifecycle.start()
        for bound in [200, 400, 800] {
            _ = lifecycle.connected()
            #expect(lifecycle.lost(refused, openFor: .seconds(1), draw: 1) == .wait(.milliseconds(bound)))
            _ = lifecycle.waited()
        }
        _ = lifecycle.connected()
        #expect(lifecycle.lost(wrongPassword, openFor: .seconds(10), draw: 1) == .wait(.milliseconds(200)))
    }

    @Test func anOutageIsNewOnlyAtItsFirstFailure() {
        var lifecycle = ConnectionLifecycle(backoff: backoff)
        _ = lifecycle.start()
        #expect(!lifecycle.isOutageNew)
        var isNew: [Bool] = []
        for _ in 0..<3 {
            _ = lifecycle.failed(refused, draw: 0)
            isNew.append(lifecycle.isOutageNew)
            _ = lifecycle.waited()
        }
        for openFor in [1, 60, 1, 60] {
            _ = lifecycle.connected()
            _ = lifecycle.lost(refused, openFor: .seconds(openFor), draw: 0)
            isNew.append(lifecycle.isOutageNew)
            _ = lifecycle.waited()
        }
        #expect(isNew == [true, false, false, false, true, false, true])
    }

    @Test func whatEndsTheRunIsNoOutage() {
        var lifecycle = ConnectionLifecycle(backoff: backoff)
        _ = lifecycle.start()
        _ = lifecycle.failed(wrongPassword, draw: 0)
        #expect(!lifecycle.isOutageNew)
    }

    /// All histories of seven events: a run never connects twice, never serves what is not open, and stays stopped.
    @Test func everyShortHistoryKeepsTheRules() {
        struct Case {
            var lifecycle: ConnectionLifecycle
            var isOver = false
        }
        var cases = [Case(lifecycle: ConnectionLifecycle(backoff: backoff))]
        for _ in 0..<7 {
            var next: [Case] = []
            for old in cases {
                for event in 0..<8 {
                    var new = old
                    let action = apply(event, to: &new.lifecycle)
                    switch (new.lifecycle.state, action) {
                    case (.connecting, .connect), (.open, .serve), (.backingOff, .wait), (.stopped, .finish),
                        (.stopped, .fail), (.idle, .finish):
                        break
                    default: Issue.record("state \(new.lifecycle.state) goes with \(action)")
                    }
                    if case .fail = action { #expect(!old.lifecycle.hasConnected) }
                    if old.isOver { #expect(new.lifecycle.state == .stopped) }
                    new.isOver = new.lifecycle.state == .stopped
                    next.append(new)
                }
            }
            // Histories that end in the same state go on alike.
            var seen: Set<String> = []
            cases = next.filter { seen.insert("\($0.lifecycle.state) \($0.lifecycle.hasConnected)").inserted }
        }
    }

    private func apply(_ event: Int, to lifecycle: inout ConnectionLifecycle) -> ConnectionLifecycle.Action {
        switch event {
        case 0: lifecycle.start()
        case 1: lifecycle.connected()
        case 2: lifecycle.failed(refused, draw: 0.5)
        case 3: lifecycle.failed(wrongPassword, draw: 0.5)
        case 4: lifecycle.lost(refused, openFor: .zero, draw: 0.5)
        case 5: lifecycle.lost(wrongPassword, openFor: .seconds(20), draw: 0.5)
        case 6: lifecycle.waited()
        default: lifecycle.stop()
        }
    }
}
