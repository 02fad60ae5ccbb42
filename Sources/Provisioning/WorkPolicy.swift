// The policy of work queues: all limits of a queue are policy, so that they can be changed while it lives.

import Foundation
import Tasks

/// What a broker's policy must say about every work queue, and how to tell it.
public enum WorkPolicy {
    /// The policy's name on the broker.
    public static let name = "detdiffusion-work"
    /// All work queues of all message versions; not the dead-letter queue, which would feed itself.
    public static let pattern = #"^detdiffusion\.v[0-9]+\.(?!dead$)"#
    /// Above policies that somebody set for all queues.
    public static let priority = 10
    /// How often a message may come back because its consumer died.
    static let deliveryLimit = 20

    /// The definition, by key.
    static let definition: [String: JSONValue] = [
        "delivery-limit": .number(Double(deliveryLimit)), "overflow": .text("reject-publish"),
        "dead-letter-exchange": .text(MessageNames.deadLetters), "dead-letter-strategy": .text("at-least-once"),
    ]

    /// The body of `PUT /api/policies/VHOST/NAME`.
    static var body: JSONValue {
        .object([
            "pattern": .text(pattern), "apply-to": .text("queues"), "priority": .number(Double(priority)),
            "definition": .object(definition),
        ])
    }

    /// The command for an administrator on the broker's host.
    public static func command(virtualHost: String) -> String {
        "rabbitmqctl set_policy --vhost \(shellQuoted(virtualHost)) --priority \(priority) --apply-to queues \(name) "
            + "\(shellQuoted(pattern)) \(shellQuoted(JSONValue.object(definition).text))"
    }

    /// What the policy in force does not say as it must; empty when it does.
    /// - Parameter effective: the merged definition of all policies that apply to the queue.
    static func shortcomings(_ effective: [String: JSONValue]) -> [String] {
        definition.keys.sorted().compactMap { key in
            guard let found = effective[key] else { return "\(key) is not set" }
            if key == "delivery-limit", case .number(let limit) = found {
                return limit >= 3 ? nil : "delivery-limit is \(found.plain), expected at least 3"
            }
            return found == definition[key] ? nil : "\(key) is \(found.plain), expected \(definition[key]?.plain ?? "")"
        }
    }

    private static func shellQuoted(_ text: String) -> String {
        "'" + text.replacingOccurrences(of: "'", with: #"'\''"#) + "'"
    }
}
