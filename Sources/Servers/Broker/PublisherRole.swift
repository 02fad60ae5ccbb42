// The publisher's side of its connection: sending within the window, and matching confirms.

import Failpoints
import Logging
import Synchronization

/// What a publisher's callers and its connection's thread share.
final class PublisherState: Sendable {
    struct Contents: Sendable {
        var ledger = PublishLedger()
        var isRunning = false
        /// The last failure to connect or to stay connected; nil while connected.
        var failure: BrokerError?
        /// Why the broker takes no messages at the moment.
        var blockedReason: String?
    }

    let contents = Mutex(Contents())
}

/// Publishes what the ledger holds. At most `window` messages are unconfirmed at a time.
struct PublisherRole: ConnectionRole {
    /// How many bytes are handed to the socket between two looks at whether it takes more.
    ///
    /// A socket that polls as writable takes a third of its send buffer, which is at least so much; the library would
    /// otherwise wait inside its call, without an end, for a peer that reads no more.
    private static let bytesPerLook = 16 << 10
    private static let looksPerTurn = 4

    let name: String
    let state: PublisherState
    let topology: Topology
    let window: Int
    let logger: Logger

    private var tracker = ConfirmTracker<PublishItem>()
    /// Taken from the ledger and not sent yet, the next one last.
    private var taken: [PublishItem] = []
    private var isOpen = false
    private var isBlocked = false
    private var isStopping = false
    private(set) var wantsToWrite = false

    init(name: String, state: PublisherState, topology: Topology, window: Int, logger: Logger) {
        self.name = name
        self.state = state
        self.topology = topology
        self.window = window
        self.logger = logger
    }

    mutating func opened(_ connection: AMQPConnection) throws(BrokerError) {
        try connection.declare(topology)
        try connection.selectConfirms()
        tracker = ConfirmTracker()
        isOpen = true
        isBlocked = false
        state.contents.withLock { contents in
            contents.failure = nil
            contents.blockedReason = nil
        }
    }

    mutating func stopping() { isStopping = true }

    mutating func perform(_ connection: AMQPConnection) throws(BrokerError) -> Bool {
        wantsToWrite = false
        guard !isBlocked, !isStopping else { return false }
        for _ in 0..<Self.looksPerTurn {
            guard fill() else { return false }
            guard Readiness.canWrite(connection.socket) else {
                wantsToWrite = true
                return false
            }
            try send(connection)
        }
        return true
    }

    /// Takes messages as far as the window allows; false when there is nothing to send.
    private mutating func fill() -> Bool {
        if taken.isEmpty {
            let room = min(window - tracker.outstandingCount, 64)
            guard room > 0 else { return false }
            taken = state.contents.withLock { $0.ledger.take(room) }.reversed()
        }
        return !taken.isEmpty
    }

    private mutating func send(_ connection: AMQPConnection) throws(BrokerError) {
        var budget = Self.bytesPerLook
        while budget > 0, let item = taken.popLast() {
            // Tracked before it is sent: when sending fails half way, it counts as lost and is sent again.
            tracker.published(item)
            try connection.publish(item.outgoing)
            Failpoint.hit("broker.after-publish")
            budget -= item.outgoing.message.body.count + 256
        }
    }

    mutating func handle(_ event: ConnectionEvent, _ connection: AMQPConnection) throws(BrokerError) {
        switch event {
        case .acknowledged(let number, let multiple):
            let answered = tracker.acknowledged(number, multiple: multiple)
            Failpoint.hit("broker.after-confirm")
            settle(answered)
        case .refused(let number, let multiple): settle(tracker.refused(number, multiple: multiple))
        case .content(let content): noteReturn(content)
        case .blocked(let reason): setBlocked(reason, connection)
        case .unblocked: setBlocked(nil, connection)
        case .consumerCancelled: break
        }
    }

    private mutating func noteReturn(_ content: ContentAssembler.Content) {
        guard case .returned(let exchange, let routingKey, let reason) = content.purpose else { return }
        tracker.returned(reason: reason) { item in
            item.outgoing.mandatory && item.outgoing.routingKey == routingKey && item.outgoing.exchange == exchange
                && item.outgoing.message.messageID == content.message.messageID
        }
    }

    private mutating func setBlocked(_ reason: String?, _ connection: AMQPConnection) {
        isBlocked = reason != nil
        SocketOptions.limitUnacknowledgedTime(of: connection.socket, !isBlocked)
        state.contents.withLock { $0.blockedReason = reason }
        if let reason {
            logger.warning("the broker blocks publishers", metadata: ["broker.reason": "\(reason)"])
        } else {
            logger.info("the broker takes messages again")
        }
    }

    private func settle(_ answered: [(PublishItem, ConfirmTracker<PublishItem>.Verdict)]) {
        var confirmed: [PublishItem] = []
        var waiters: [SettledWaiter] = []
        for (item, verdict) in answered {
            switch verdict {
            case .confirmed: confirmed.append(item)
            case .returned(let reason): fail(item, Self.unroutable(item.outgoing, reason), &waiters)
            case .refused: fail(item, Self.refused(item.outgoing), &waiters)
            }
        }
        // The callbacks run before their caller is told, and outside the lock, so that they may publish.
        let callbacks = state.contents.withLock { contents in confirmed.map { contents.ledger.callback(of: $0) } }
        for (item, callback) in zip(confirmed, callbacks) { callback?(item.index) }
        waiters += state.contents.withLock { $0.ledger.confirmed(confirmed) }
        for waiter in waiters { waiter.resume() }
    }

    private func fail(_ item: PublishItem, _ error: BrokerError, _ waiters: inout [SettledWaiter]) {
        if let waiter = state.contents.withLock({ $0.ledger.failed(item, error) }) { waiters.append(waiter) }
    }

    mutating func lost(_ error: BrokerError) {
        let unanswered = tracker.connectionLost()
        let unsent = Array(taken.reversed())
        taken = []
        let blamed = Self.blamed(for: error, unanswered, isOpen: isOpen)
        let wasOpen = isOpen
        isOpen = false
        isBlocked = false
        let waiters = state.contents.withLock { contents in
            contents.failure = error
            contents.blockedReason = nil
            contents.ledger.putBack(unanswered.indices.filter { !blamed.contains($0) }.map { unanswered[$0] } + unsent)
            if error.isPermanent && !wasOpen { return contents.ledger.failAll(error) }
            return blamed.sorted().compactMap { contents.ledger.failed(unanswered[$0], error) }
        }
        for waiter in waiters { waiter.resume() }
        if !unanswered.isEmpty {
            logger.info(
                "unconfirmed messages will be sent again",
                metadata: ["broker.messages": "\(unanswered.count - blamed.count)"])
        }
    }

    /// Which unanswered messages made the broker close the channel: sent again, they would only close it again.
    private static func blamed(for error: BrokerError, _ items: [PublishItem], isOpen: Bool) -> Set<Int> {
        guard isOpen, error.isPermanent, case .closed(_, let text) = error.code else { return [] }
        let named = items.indices.filter { index in
            let exchange = items[index].outgoing.exchange
            return text.contains("exchange '\(exchange.isEmpty ? "amq.default" : exchange)'")
        }
        return Set(named.isEmpty ? Array(items.indices) : named)
    }

    mutating func ended(_ error: BrokerError?) {
        let reason = error ?? BrokerError(.stopped, "the publisher was stopped before the broker confirmed everything")
        let waiters = state.contents.withLock { contents in
            contents.isRunning = false
            return contents.ledger.close(reason)
        }
        for waiter in waiters { waiter.resume() }
    }

    private static func unroutable(_ outgoing: OutgoingMessage, _ reason: String) -> BrokerError {
        let place =
            outgoing.exchange.isEmpty
            ? "there is no queue '\(outgoing.routingKey)'"
            : "no queue is bound to exchange '\(outgoing.exchange)' for '\(outgoing.routingKey)'"
        return BrokerError(
            .unroutable,
            "a message of type '\(outgoing.message.type)' could not be routed (\(reason)): \(place); "
                + "declare it in the topology, or start what declares it"
        )
    }

    private static func refused(_ outgoing: OutgoingMessage) -> BrokerError {
        BrokerError(
            .nacked,
            "the broker refused a message for '\(outgoing.routingKey)': the queue is at its max-length "
                + "limit or unwell; let it drain, or raise the limit of its policy"
        )
    }
}
