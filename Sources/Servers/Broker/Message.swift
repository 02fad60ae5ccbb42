// Messages as values: what is published, what is delivered, and the name by which a delivery is acknowledged.

/// The content of a message and the properties that this project uses.
public struct Message: Hashable, Sendable {
    /// The payload.
    public var body: [UInt8]
    /// The schema of the body, such as `detdiffusion.hint.v1`.
    public var type: String
    /// The identity that stays the same when a message is sent again.
    public var messageID: String
    /// What the message belongs to; for hints the job.
    public var correlationID: String?
    /// Text headers; of a received message numbers too, as text.
    public var headers: [String: String]
    /// The MIME type of the body.
    public var contentType: String
    /// Whether a durable queue keeps the message across a restart of the broker.
    public var persistent: Bool

    /// Makes a message; by default persistent JSON.
    public init(
        body: [UInt8], type: String, messageID: String, correlationID: String? = nil, headers: [String: String] = [:],
        contentType: String = "application/json", persistent: Bool = true
    ) {
        self.body = body
        self.type = type
        self.messageID = messageID
        self.correlationID = correlationID
        self.headers = headers
        self.contentType = contentType
        self.persistent = persistent
    }
}

/// A message and where to send it.
public struct OutgoingMessage: Hashable, Sendable {
    /// The exchange; empty for the default one, whose routing key is the queue's name.
    public var exchange: String
    /// The routing key.
    public var routingKey: String
    /// What to send.
    public var message: Message
    /// Whether a message that reaches no queue is an error; off for broadcasts, which may have no listener.
    public var mandatory: Bool

    /// Addresses a message.
    public init(exchange: String = "", routingKey: String, message: Message, mandatory: Bool = true) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.message = message
        self.mandatory = mandatory
    }
}

extension OutgoingMessage {
    /// AMQP's short strings hold 255 bytes, and headers must fit a frame; the library would fail on more as if the
    /// connection were broken.
    func checkLimits() throws(BrokerError) {
        let shortStrings = [
            ("exchange", exchange), ("routing key", routingKey), ("type", message.type),
            ("message id", message.messageID), ("correlation id", message.correlationID ?? ""),
            ("content type", message.contentType),
        ]
        let headerNames = message.headers.keys.map { ("header name", $0) }
        for (name, value) in shortStrings + headerNames where value.utf8.count > 255 {
            throw BrokerError(
                .protocolViolation,
                "cannot publish a message of type '\(message.type.prefix(80))': its \(name) has "
                    + "\(value.utf8.count) bytes, AMQP allows 255; shorten it"
            )
        }
        let headerBytes = message.headers.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 8 }
        guard headerBytes <= 64 << 10 else {
            throw BrokerError(
                .protocolViolation,
                "cannot publish a message of type '\(message.type)': its headers have \(headerBytes) "
                    + "bytes, 65536 are allowed; move them to the body"
            )
        }
    }
}

/// Names one delivery on one connection.
public struct DeliveryTag: Hashable, Sendable {
    /// The broker's number of the delivery, from 1 on each channel.
    public var number: UInt64
    /// Which connection of the consumer it came over; the broker forgot the tags of earlier ones.
    public var generation: Int

    /// Makes a tag.
    public init(number: UInt64, generation: Int) {
        self.number = number
        self.generation = generation
    }
}

/// A message that a queue handed to this consumer.
public struct Delivery: Hashable, Sendable {
    /// Bodies of more bytes than this are cut, so that one huge message cannot end the process.
    public static let largestBody = 1 << 20
    /// How many bytes of an oversized body are kept.
    public static let keptOfOversizedBody = 64 << 10

    /// The message; its body is cut when ``isOversized``.
    public var message: Message
    /// The queue it came from.
    public var queue: String
    /// True when the broker had handed it out before.
    public var redelivered: Bool
    /// Acknowledge or reject it by this.
    public var tag: DeliveryTag
    /// The size of the whole body in bytes.
    public var bodySize: Int

    /// True when the body was over ``largestBody`` and only its first ``keptOfOversizedBody`` bytes are here.
    public var isOversized: Bool { bodySize > message.body.count }

    /// Makes a delivery.
    public init(message: Message, queue: String, redelivered: Bool, tag: DeliveryTag, bodySize: Int? = nil) {
        self.message = message
        self.queue = queue
        self.redelivered = redelivered
        self.tag = tag
        self.bodySize = bodySize ?? message.body.count
    }
}
