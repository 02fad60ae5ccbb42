// What a broker means by a reply code, which its text decides: one code stands for several things.

/// A refusal of the broker, as its text tells it.
struct BrokerRefusal: Hashable {
    /// AMQP's reply code.
    var code: Int
    /// The broker's text, such as `ACCESS_REFUSED - access to queue 'q' in vhost 'v' refused for user 'u'`.
    var text: String

    /// The text without the names that it quotes: a queue may be called anything.
    private var words: String {
        text.split(separator: "'", omittingEmptySubsequences: false).enumerated()
            .compactMap { $0.offset.isMultiple(of: 2) ? String($0.element) : nil }.joined(separator: "''")
    }

    /// Whether a limit of connections or channels is reached (530); others leave, or somebody raises it.
    var isLimit: Bool { words.contains("limit") && words.contains("reached") }

    /// Whether it passes without anybody's doing: a limit, or a node or virtual host that is down and comes back.
    var isTemporary: Bool {
        let signs = ["is down", "down or inaccessible", "timed out", "timeout", "unavailable", "not running"]
        return isLimit || signs.contains { words.contains($0) }
    }

    /// Whether only a person can mend it.
    var isPermanent: Bool { [402, 403, 404, 406, 530].contains(code) && !isTemporary }

    /// The right that the user lacks (403), `configure`, `write` or `read`, and on what; `nil` for other refusals.
    ///
    /// Brokers before 3.11 do not name the right. Who declares or deletes needs `configure`; who binds needs `write` on the
    /// queue and `read` on the exchange; who consumes needs `read`, and who publishes `write` (RabbitMQ, Access Control).
    /// - Parameter action: what was asked for, beginning with its verb; `nil` for publishing, which is not answered.
    func missingRight(for action: String?) -> (right: String, resource: String)? {
        guard code == 403, let found = text.firstMatch(of: #/((?:\w+ )?)access to (\w+) '([^']*)'/#) else { return nil }
        let resource = "\(found.output.2) '\(found.output.3)'"
        let named = found.output.1.trimmingSuffix(while: \.isWhitespace)
        if ["configure", "write", "read"].contains(named) { return (String(named), resource) }
        switch action?.split(separator: " ").first {
        case "declare", "delete": return ("configure", resource)
        case "bind": return (found.output.2 == "queue" ? "write" : "read", resource)
        case nil: return ("write", resource)
        default: return ("read", resource)
        }
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while condition: (Character) -> Bool) -> Substring {
        var rest = self
        while let last = rest.last, condition(last) { rest.removeLast() }
        return rest
    }
}
