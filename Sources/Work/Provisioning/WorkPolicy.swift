// The policies of our queues: all limits of a queue are policy, so that they can be changed while it lives.

import Foundation
import JSON
import Tasks

/// What a broker's policy must say about some of our queues, and how to tell it.
public struct WorkPolicy: Sendable {
    /// The policy's name on the broker.
    public let name: String
    /// The queues that it is about, as a regular expression.
    public let pattern: String
    /// The definition, by key.
    let definition: [String: JSONValue]
    /// The least that another definition may say; what has none must be as it is here, or a limit of any size.
    private let least: [String: Double]
    private let limits: Set<String>
    /// What it does, for people.
    let purpose: String

    /// Above policies that somebody set for all queues.
    public static let priority = 10

    /// All work queues of all message versions; not the dead-letter queue, which would feed itself.
    ///
    /// A full queue refuses its publisher, who is told. A hint wakes up to 16 tasks and has 200 bytes.
    public static let work = WorkPolicy(
        name: "detdiffusion-work", pattern: #"^detdiffusion\.v[0-9]+\.(?!dead$)"#,
        definition: [
            "delivery-limit": .number(20), "overflow": .text("reject-publish"),
            "dead-letter-exchange": .text(MessageNames.deadLetters), "dead-letter-strategy": .text("at-least-once"),
            "max-length": .number(500_000), "max-length-bytes": .number(268_435_456),
        ],
        least: ["delivery-limit": 3], limits: ["max-length", "max-length-bytes"],
        purpose: "delivery limit 20, dead letters at least once, at most 500,000 hints and 256 MiB, overflow rejects")

    /// The dead-letter queue: the newest are kept, for a month. What they hinted at is in the catalogue.
    public static let deadLetters = WorkPolicy(
        name: "detdiffusion-dead", pattern: #"^detdiffusion\.v[0-9]+\.dead$"#,
        definition: [
            "overflow": .text("drop-head"), "max-length": .number(10_000), "max-length-bytes": .number(67_108_864),
            "message-ttl": .number(30 * 86_400_000),
        ],
        least: [:], limits: ["max-length", "max-length-bytes", "message-ttl"],
        purpose: "at most 10,000 messages and 64 MiB, for 30 days")

    /// Both.
    public static let all = [work, deadLetters]

    /// The policy that a queue of ours needs.
    static func needed(by queue: String) -> WorkPolicy { queue == MessageNames.deadLetters ? deadLetters : work }

    /// The body of `PUT /api/policies/VHOST/NAME`.
    var body: JSONValue {
        .object([
            "pattern": .text(pattern), "apply-to": .text("queues"), "priority": .number(Double(Self.priority)),
            "definition": .object(definition),
        ])
    }

    /// The command for an administrator on the broker's host.
    public func command(virtualHost: String) -> String {
        "rabbitmqctl set_policy --vhost \(ShellText.quoted(virtualHost)) --priority \(Self.priority) --apply-to queues \(name) "
            + "\(ShellText.quoted(pattern)) \(ShellText.quoted(JSONValue.object(definition).description))"
    }

    /// What the policy in force does not say as it must; empty when it does.
    /// - Parameter effective: the merged definition of all policies that apply to the queue.
    func shortcomings(_ effective: [String: JSONValue]) -> [String] {
        definition.keys.sorted().compactMap { key in
            guard let found = effective[key] else { return "\(key) is not set" }
            if case .number(let limit) = found {
                if limits.contains(key) { return limit > 0 ? nil : "\(key) is \(found.plain), expected more" }
                if let least = least[key] {
                    return limit >= least ? nil : "\(key) is \(found.plain), expected at least \(Int(least))"
                }
            }
            return found == definition[key] ? nil : "\(key) is \(found.plain), expected \(definition[key]?.plain ?? "")"
        }
    }
}

/// Words of a command line.
enum ShellText {
    static func quoted(_ text: String) -> String {
        "'" + text.replacingOccurrences(of: "'", with: #"'\''"#) + "'"
    }
}
