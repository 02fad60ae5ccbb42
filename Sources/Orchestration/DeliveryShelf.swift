// Deliveries that wait for room, the most urgent queue first.

import Broker
import Foundation
import Synchronization

/// Holds the at most one delivery per queue that the broker has sent, and hands them out in the order of the queues.
final class DeliveryShelf: Sendable {
    private struct State {
        var waiting: [(delivery: Delivery, since: ContinuousClock.Instant)] = []
        var taker: CheckedContinuation<Delivery?, Never>?
        var isClosed = false
        var lastDelivery = ContinuousClock.now
    }

    private let ranks: [String: Int]
    private let state = Mutex(State())

    /// - Parameter queues: queue names, the most urgent first.
    init(queues: [String]) {
        ranks = Dictionary(uniqueKeysWithValues: queues.enumerated().map { ($1, $0) })
    }

    /// When the broker last sent something.
    var lastDelivery: ContinuousClock.Instant { state.withLock { $0.lastDelivery } }

    /// Adds a delivery.
    func put(_ delivery: Delivery) {
        let taker = state.withLock { state -> CheckedContinuation<Delivery?, Never>? in
            state.lastDelivery = .now
            if let taker = state.taker {
                state.taker = nil
                return taker
            }
            state.waiting.append((delivery, .now))
            return nil
        }
        taker?.resume(returning: delivery)
    }

    /// Waits for a delivery; `nil` when the shelf is closed. One caller at a time.
    func take() async -> Delivery? {
        await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> Delivery?? in
                if state.isClosed { return .some(nil) }
                guard let index = mostUrgent(in: state) else {
                    precondition(state.taker == nil, "one intake takes from a shelf")
                    state.taker = continuation
                    return nil
                }
                return state.waiting.remove(at: index).delivery
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    /// Deliveries that have waited longer than `patience`, taken off the shelf.
    func takeStale(patience: Duration) -> [Delivery] {
        state.withLock { state in
            let limit = ContinuousClock.now - patience
            defer { state.waiting.removeAll { $0.since < limit } }
            return state.waiting.filter { $0.since < limit }.map(\.delivery)
        }
    }

    /// Ends every wait. What is still on the shelf stays unacknowledged, so the broker sends it to somebody else.
    func close() {
        let taker = state.withLock { state -> CheckedContinuation<Delivery?, Never>? in
            state.isClosed = true
            defer { state.taker = nil }
            return state.taker
        }
        taker?.resume(returning: nil)
    }

    private func mostUrgent(in state: State) -> Int? {
        state.waiting.indices.min { rank(state.waiting[$0].delivery) < rank(state.waiting[$1].delivery) }
    }

    private func rank(_ delivery: Delivery) -> Int { ranks[delivery.queue] ?? Int.max }
}
