// The consumer's side of its connection: subscriptions, deliveries and their acknowledgements.

import Logging
import Synchronization

/// What a consumer's owner and its connection's thread share.
final class ConsumerState: Sendable {
    enum Answer: Sendable {
        case acknowledge
        case reject(requeue: Bool)
    }

    struct Contents: Sendable {
        var answers: [(tag: DeliveryTag, answer: Answer)] = []
        var shouldConsume = true
        var hasRun = false
        /// The connection that is open, nil when none is; grows by one with each.
        var generation: Int?
    }

    let contents = Mutex(Contents())
}

/// Keeps the subscriptions as the owner wants them, and carries deliveries and answers.
struct ConsumerRole: ConnectionRole {
    private static let broadcastTag = "broadcast"

    let name: String
    let state: ConsumerState
    let topology: Topology
    let queues: [ConsumedQueue]
    let broadcastExchange: String?
    let deliveries: AsyncStream<Delivery>.Continuation
    let broadcasts: AsyncStream<Message>.Continuation
    let logger: Logger

    private var generation = 0
    private var isConsuming = false
    var wantsToWrite: Bool { false }

    init(
        name: String, state: ConsumerState, topology: Topology, queues: [ConsumedQueue], broadcastExchange: String?,
        deliveries: AsyncStream<Delivery>.Continuation, broadcasts: AsyncStream<Message>.Continuation, logger: Logger
    ) {
        self.name = name
        self.state = state
        self.topology = topology
        self.queues = queues
        self.broadcastExchange = broadcastExchange
        self.deliveries = deliveries
        self.broadcasts = broadcasts
        self.logger = logger
    }

    mutating func opened(_ connection: AMQPConnection) throws(BrokerError) {
        try connection.declare(topology)
        generation += 1
        isConsuming = false
        let generation = generation
        state.contents.withLock { $0.generation = generation }
        if let broadcastExchange {
            let queue = try connection.declareListener(to: broadcastExchange)
            try connection.consume(queue: queue, tag: Self.broadcastTag, prefetch: 0, acknowledges: false)
        }
        try subscribe(connection, state.contents.withLock { $0.shouldConsume })
    }

    mutating func perform(_ connection: AMQPConnection) throws(BrokerError) -> Bool {
        let (answers, shouldConsume) = state.contents.withLock { contents in
            defer { contents.answers = [] }
            return (contents.answers, contents.shouldConsume)
        }
        // First, so that an acknowledgement after a pause makes room for no further delivery.
        try subscribe(connection, shouldConsume)
        for (tag, answer) in answers {
            guard tag.generation == generation else {
                logger.debug("an answer to a delivery of an earlier connection was dropped")
                continue
            }
            switch answer {
            case .acknowledge: try connection.acknowledge(tag.number)
            case .reject(let requeue): try connection.reject(tag.number, requeue: requeue)
            }
        }
        return false
    }

    /// Makes the subscriptions what the owner wants now.
    private mutating func subscribe(_ connection: AMQPConnection, _ shouldConsume: Bool) throws(BrokerError) {
        guard shouldConsume != isConsuming else { return }
        isConsuming = shouldConsume
        for (index, queue) in queues.enumerated() {
            if shouldConsume {
                try connection.consume(
                    queue: queue.name, tag: Self.tag(index), prefetch: queue.prefetch, acknowledges: true)
            } else {
                try connection.cancel(tag: Self.tag(index))
            }
        }
    }

    private static func tag(_ index: Int) -> String { "queue-\(index)" }

    mutating func handle(_ event: ConnectionEvent, _ connection: AMQPConnection) throws(BrokerError) {
        switch event {
        case .content(let content): hand(out: content)
        case .consumerCancelled(let tag):
            // The next connection declares the queue again and consumes from it.
            let queue = queues.indices.first { Self.tag($0) == tag }.map { queues[$0].name } ?? tag
            throw BrokerError(
                .unavailable, "the broker ended the consumer of queue '\(queue)': it was deleted or moved")
        case .blocked, .unblocked, .acknowledged, .refused: break  // about publishing
        }
    }

    private func hand(out content: ContentAssembler.Content) {
        guard case .delivery(let consumerTag, let number, let redelivered) = content.purpose else { return }
        if consumerTag == Self.broadcastTag {
            broadcasts.yield(content.message)
            return
        }
        guard let index = queues.indices.first(where: { Self.tag($0) == consumerTag }) else { return }
        let delivery = Delivery(
            message: content.message, queue: queues[index].name, redelivered: redelivered,
            tag: DeliveryTag(number: number, generation: generation), bodySize: content.bodySize)
        if delivery.isOversized {
            logger.warning(
                "a message is larger than any of this project; its body was cut",
                metadata: ["broker.queue": "\(delivery.queue)", "broker.bytes": "\(content.bodySize)"])
        }
        deliveries.yield(delivery)
    }

    mutating func lost(_ error: BrokerError) {
        isConsuming = false
        state.contents.withLock { $0.generation = nil }
    }

    mutating func stopping() {}

    mutating func ended(_ error: BrokerError?) {
        state.contents.withLock { $0.generation = nil }
        deliveries.finish()
        broadcasts.finish()
    }
}
