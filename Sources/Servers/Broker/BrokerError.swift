// What can go wrong between this process and RabbitMQ, each in one line with its fix.

/// A failure of the broker or of the way to it.
///
/// The text names the broker without its password.
public struct BrokerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is, for callers that branch.
    public enum Code: Hashable, Sendable {
        /// The URL cannot be read.
        case invalidURL
        /// The broker could not be reached, or did not answer before the deadline.
        case unavailable
        /// The broker refused the user, the password or the virtual host.
        case authentication
        /// No trusted TLS connection could be made.
        case tls
        /// No queue is bound for the message's exchange and routing key.
        case unroutable
        /// The broker refused to take the message, as a full queue with `overflow: reject-publish` does.
        case nacked
        /// The broker closed the channel or the connection with an AMQP reply code and text.
        case closed(code: Int, text: String)
        /// A frame came that the protocol does not allow there.
        case protocolViolation
        /// The publisher or consumer was stopped, or the calling task was cancelled.
        case stopped
    }

    /// What kind of failure it is.
    public var code: Code
    /// One line: what was done, where, what was found, and the fix.
    public var message: String
    /// How many messages of a failed ``Publisher/publish(_:deadline:)`` the broker had confirmed.
    public var confirmedCount: Int

    /// Makes an error from its one line.
    public init(_ code: Code, _ message: String, confirmedCount: Int = 0) {
        self.code = code
        self.message = message
        self.confirmedCount = confirmedCount
    }

    /// True when the broker knows the user, who lacks a right.
    public var isMissingRight: Bool { if case .closed(403, _) = code { true } else { false } }

    /// The one line.
    public var description: String { message }

    /// True when trying again cannot help until a person changes the configuration.
    public var isPermanent: Bool {
        switch code {
        case .invalidURL, .authentication, .tls, .unroutable: true
        case .closed(let code, let text): BrokerRefusal(code: code, text: text).isPermanent
        case .unavailable, .nacked, .protocolViolation, .stopped: false
        }
    }
}
