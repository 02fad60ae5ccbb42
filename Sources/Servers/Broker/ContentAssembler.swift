// Puts a message together from its method, header and body frames, and keeps only so much of a huge one.

/// Collects the frames of one message.
///
/// Body frames are copied as they come, so a body over ``Delivery/largestBody`` never occupies more than
/// ``Delivery/keptOfOversizedBody`` here.
struct ContentAssembler: Sendable {
    /// Why the broker sends the message.
    enum Purpose: Hashable, Sendable {
        case delivery(consumerTag: String, number: UInt64, redelivered: Bool)
        case returned(exchange: String, routingKey: String, reason: String)
    }

    /// A whole message, its body perhaps cut.
    struct Content: Hashable, Sendable {
        var purpose: Purpose
        var message: Message
        var bodySize: Int
    }

    private enum State {
        case idle
        case expectsHeader(Purpose)
        case expectsBody(Content, kept: Int, missing: Int)
    }

    private var state: State = .idle

    /// True between two messages.
    var isIdle: Bool { if case .idle = state { true } else { false } }

    /// Takes the method frame; false when the last message is not complete.
    mutating func begin(_ purpose: Purpose) -> Bool {
        guard case .idle = state else { return false }
        state = .expectsHeader(purpose)
        return true
    }

    /// Takes the header frame, which completes a message without a body; false when it is out of order.
    /// - Parameter message: holds the properties.
    mutating func header(_ message: Message, bodySize: Int, completed: inout Content?) -> Bool {
        guard case .expectsHeader(let purpose) = state else { return false }
        let content = Content(purpose: purpose, message: message, bodySize: bodySize)
        guard bodySize > 0 else {
            state = .idle
            completed = content
            return true
        }
        let kept = bodySize > Delivery.largestBody ? Delivery.keptOfOversizedBody : bodySize
        var started = content
        started.message.body.reserveCapacity(kept)
        state = .expectsBody(started, kept: kept, missing: bodySize)
        return true
    }

    /// Takes a body frame; false when it is out of order or too long.
    mutating func body(_ bytes: some Collection<UInt8>, completed: inout Content?) -> Bool {
        guard case .expectsBody(var content, let kept, let missing) = state, bytes.count <= missing else {
            return false
        }
        state = .idle  // so that `content` is the only owner of its bytes while they grow
        content.message.body.append(contentsOf: bytes.prefix(kept - content.message.body.count))
        if bytes.count == missing {
            completed = content
        } else {
            state = .expectsBody(content, kept: kept, missing: missing - bytes.count)
        }
        return true
    }
}
