// Deliveries that wait for room: urgent lanes first, and the queues of a lane by turns.

import Broker
import Foundation
import Synchronization
import Tasks

/// Holds the at most one delivery per queue that the broker has sent, and hands them out: those of the high lane first,
/// and in a lane that of the queue whose last turn is the longest ago.
final class DeliveryShelf: Sendable {
    private struct State {
        var waiting: [(delivery: Delivery, since: ContinuousClock.Instant)] = []
        var taker: CheckedContinuation<Delivery?, Never>?
        var isClosed = false
        var lastDelivery = ContinuousClock.now
        /// The number of each queue's last turn.
        var turns: [String: Int] = [:]
        var turn = 0

        /// Since when the delivery that was taken last had waited.
        var takenSince = ContinuousClock.now

        mutating func takes(_ delivery: Delivery, since: ContinuousClock.Instant) {
            turn += 1
            turns[delivery.queue] = turn
            takenSince = since
        }
    }

    /// The queues' places among all, and whether they are urgent.
    private let ranks: [String: (lane: Int, place: Int)]
    private let state = Mutex(State())

    /// - Parameter queues: what is served; of two queues of a lane whose turn is due alike, the first comes first.
    init(queues: [WorkQueue]) {
        ranks = Dictionary(
            uniqueKeysWithValues: queues.enumerated().map { ($1.name, ($1.lane == .high ? 0 : 1, $0)) })
    }

    /// When the broker last sent something.
    var lastDelivery: ContinuousClock.Instant { state.withLock { $0.lastDelivery } }

    /// Adds a delivery that the broker has sent.
    /// - Returns: false when the shelf is closed, and nobody will take the delivery.
    func put(_ delivery: Delivery) -> Bool {
        let (isTaken, taker) = state.withLock { state -> (Bool, CheckedContinuation<Delivery?, Never>?) in
            guard !state.isClosed else { return (false, nil) }
            state.lastDelivery = .now
            if let taker = state.taker {
                state.taker = nil
                state.takes(delivery, since: .now)
                return (true, taker)
            }
            state.waiting.append((delivery, .now))
            return (true, nil)
        }
        taker?.resume(returning: delivery)
        return isTaken
    }

    /// Puts back the delivery that was taken last, as one that waits since it came.
    /// - Returns: false when the shelf is closed, and nobody will take the delivery.
    func keep(_ delivery: Delivery) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.waiting.append((delivery, state.takenSince))
            return true
        }
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
                let (delivery, since) = state.waiting.remove(at: index)
                state.takes(delivery, since: since)
                return delivery
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
        state.waiting.indices.min { rank(state.waiting[$0].delivery, state) < rank(state.waiting[$1].delivery, state) }
    }

    private func rank(_ delivery: Delivery, _ state: State) -> (Int, Int, Int) {
        let (lane, place) = ranks[delivery.queue] ?? (Int.max, Int.max)
        return (lane, state.turns[delivery.queue] ?? 0, place)
    }
}
