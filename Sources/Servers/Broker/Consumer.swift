// Consuming: deliveries as an asynchronous sequence, acknowledged by their tags.

import Executors
public import Logging
import Synchronization

/// A queue to consume from.
public struct ConsumedQueue: Hashable, Sendable {
    /// The queue's name.
    public var name: String
    /// How many of its deliveries may be unacknowledged at a time; 0 is no limit.
    public var prefetch: Int

    /// Names a queue.
    public init(_ name: String, prefetch: Int = 1) {
        precondition(prefetch >= 0, "a prefetch is not negative")
        self.name = name
        self.prefetch = prefetch
    }
}

/// Receives messages from queues, and broadcasts from a fan-out exchange.
///
/// A delivery belongs to the connection it came over. When that is lost, the broker hands the message out again, and
/// the acknowledgement of the old delivery is dropped here.
public final class Consumer: Sendable {
    /// What the queues deliver; ends when ``run()`` ends. The prefetch bounds what waits in it.
    public let deliveries: AsyncStream<Delivery>
    /// What the fan-out exchange sends while this consumer is connected; the newest 1,024 wait in it.
    public let broadcasts: AsyncStream<Message>

    private let url: BrokerURL
    private let topology: Topology
    private let queues: [ConsumedQueue]
    private let broadcastExchange: String?
    private let name: String
    private let logger: Logger
    private let state = ConsumerState()
    private let control = ConnectionControl()
    private let deliveriesEnd: AsyncStream<Delivery>.Continuation
    private let broadcastsEnd: AsyncStream<Message>.Continuation

    /// Makes a consumer; it connects when ``run()`` is called.
    /// - Parameters:
    ///   - topology: declared on every connection.
    ///   - queues: consumed in no order between them.
    ///   - broadcast: a fan-out exchange to listen to; it is declared when it is not there.
    ///   - name: what the broker's list of connections shows.
    public init(
        url: BrokerURL, topology: Topology, queues: [ConsumedQueue], broadcast exchange: String? = nil,
        name: String = "detdiffusion consumer", logger: Logger
    ) {
        var topology = topology
        if let exchange, !topology.fanoutExchanges.contains(exchange) { topology.fanoutExchanges.append(exchange) }
        self.url = url
        self.topology = topology
        self.queues = queues
        self.broadcastExchange = exchange
        self.name = name
        self.logger = logger
        (deliveries, deliveriesEnd) = AsyncStream.makeStream()
        (broadcasts, broadcastsEnd) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1024))
    }

    /// True while a connection is open.
    public var isConnected: Bool { control.isConnected }

    /// Owns the connection, and makes it and the subscriptions anew with full jitter, until the task is cancelled;
    /// call it once.
    ///
    /// Returns within two seconds of the cancellation; the broker then requeues what is unacknowledged.
    /// - Throws: ``BrokerError`` when the first connection fails for a reason that waiting cannot mend:
    ///   authentication, TLS, virtual host, a missing queue, or a topology that the broker refuses.
    public func run() async throws {
        let hasRun = state.contents.withLock { contents in
            defer { contents.hasRun = true }
            return contents.hasRun
        }
        precondition(!hasRun, "a consumer runs once")
        let role = ConsumerRole(
            name: name, state: state, topology: topology, queues: queues, broadcastExchange: broadcastExchange,
            deliveries: deliveriesEnd, broadcasts: broadcastsEnd, logger: logger)
        let loop = ConnectionLoop(
            url: url, control: control, logger: logger, reportsOutages: true, threadName: "amqp-consumer", role: role)
        try await withTaskCancellationHandler {
            try await loop.serve()
        } onCancel: {
            control.stop()
        }
    }

    /// Tells the broker that a delivery is dealt with; dropped when its connection is gone.
    public func acknowledge(_ tag: DeliveryTag) { answer(tag, .acknowledge) }

    /// Gives a delivery back: to its queue, or to the queue's dead-letter exchange; dropped when its
    /// connection is gone.
    public func reject(_ tag: DeliveryTag, requeue: Bool) { answer(tag, .reject(requeue: requeue)) }

    /// Whether an acknowledgement of this delivery can still reach the broker.
    public func isCurrent(_ tag: DeliveryTag) -> Bool {
        state.contents.withLock { $0.generation == tag.generation }
    }

    /// Lets the broker send deliveries, or ends that; holds across connections, and is on at first.
    ///
    /// What the broker had sent before still arrives, stays unacknowledged, and can be acknowledged; an acknowledgement
    /// after `setConsuming(false)` brings no further delivery. Broadcasts go on.
    public func setConsuming(_ isOn: Bool) {
        state.contents.withLock { $0.shouldConsume = isOn }
        control.wakeup.signal()
    }

    /// Cuts the connection as a network failure would; for tests.
    func cutConnection() { control.cutSocket() }

    private func answer(_ tag: DeliveryTag, _ answer: ConsumerState.Answer) {
        let isFirst = state.contents.withLock { contents in
            contents.answers.append((tag, answer))
            return contents.answers.count == 1
        }
        // The thread takes all answers at once: only the first needs to wake it.
        if isFirst { control.wakeup.signal() }
    }
}
