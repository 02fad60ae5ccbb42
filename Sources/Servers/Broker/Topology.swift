// The queues and exchanges a connection declares each time it opens.

/// A durable quorum queue; all its limits come from policies of the broker.
public struct QueueDeclaration: Hashable, Sendable {
    /// The queue's name.
    public var name: String

    /// Declares a queue.
    public init(_ name: String) {
        precondition((1...255).contains(name.utf8.count), "a queue's name has 1 to 255 bytes")
        self.name = name
    }
}

/// A binding of a queue to an exchange.
public struct QueueBinding: Hashable, Sendable {
    /// The queue that receives.
    public var queue: String
    /// The exchange that sends.
    public var exchange: String
    /// The routing key; a fan-out exchange ignores it.
    public var routingKey: String

    /// Binds a queue to an exchange.
    public init(queue: String, exchange: String, routingKey: String = "") {
        self.queue = queue
        self.exchange = exchange
        self.routingKey = routingKey
    }
}

/// What must exist on the broker; declaring it again changes nothing.
public struct Topology: Hashable, Sendable {
    /// Durable quorum queues.
    public var queues: [QueueDeclaration]
    /// Durable fan-out exchanges.
    public var fanoutExchanges: [String]
    /// Bindings between them.
    public var bindings: [QueueBinding]

    /// Names what must exist.
    public init(
        queues: [QueueDeclaration] = [], fanoutExchanges: [String] = [], bindings: [QueueBinding] = []
    ) {
        self.queues = queues
        self.fanoutExchanges = fanoutExchanges
        self.bindings = bindings
    }
}
