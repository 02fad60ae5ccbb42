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
    /// - Returns: false when the shelf is closed, and nobody will take the delivery.
    func put(_ delivery: Delivery) -> Bool {
        let (isTaken, taker) = state.withLock { state -> (Bool, CheckedContinuation<Delivery?, Never>?) in
            guard !state.isClosed else { return (false, nil) }
            state.lastDelivery = .now
            if let taker = state.taker {
                state.taker = nil
                return (true, taker)
            }
            state.waiting.append((delivery, .now))
            return (true, nil)
        }
        taker?.resume(returning: delivery)
        return isTaken
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

    /// Ends every wait.
    /// - Returns: what was still on the shelf, for the broker to send to somebody else.
    @discardableResult
    func close() -> [Delivery] {
        let (taker, left) = state.withLock { state -> (CheckedContinuation<Delivery?, Never>?, [Delivery]) in
            state.isClosed = true
            defer {
                state.taker = nil
                state.waiting = []
            }
            return (state.taker, state.waiting.map(\.delivery))
        }
        taker?.resume(returning: nil)
        return left
    }

    private func mostUrgent(in state: State) -> Int? {
        state.waiting.indices.min { rank(state.waiting[$0].delivery) < rank(state.waiting[$1].delivery) }
    }

    private func rank(_ delivery: Delivery) -> Int { ranks[delivery.queue] ?? Int.max }
}
