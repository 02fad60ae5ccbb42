// Which policy applies to a queue, by RabbitMQ's rules: of those whose pattern matches, the one of highest priority.

import Foundation
import JSON
import Messaging
import Tasks

/// The policies of a virtual host.
struct PolicySet {
    private let policies: [JSONValue]

    /// - Parameter list: the answer to `GET /api/policies/VHOST`.
    init(_ list: JSONValue) { policies = list.list ?? [] }

    /// The policy that applies to a quorum queue. The list changes at once, what a queue tells of itself
    /// some seconds later.
    func policy(for queue: String) -> JSONValue? {
        let kinds: Set<String> = ["queues", "all", "quorum_queues"]
        return policies.filter { policy in
            kinds.contains(policy["apply-to"]?.string ?? "") && Self.matches(policy["pattern"]?.string ?? "", queue)
        }.max { ($0["priority"]?.integer ?? 0) < ($1["priority"]?.integer ?? 0) }
    }

    /// RabbitMQ's patterns are Perl's; ICU's are near enough for those that name queues.
    private static func matches(_ pattern: String, _ queue: String) -> Bool {
        queue.range(of: pattern, options: .regularExpression) != nil
    }

    /// Whether a queue's policy says what it must.
    /// - Parameter facts: the queue as the management interface tells of it; an operator's policy shows only there.
    func judge(_ queue: String, _ facts: JSONValue, virtualHost: String) -> CheckResult {
        let check = "policy \(WorkTopology.shortName(queue))"
        let needed = WorkPolicy.needed(by: queue)
        let fix =
            "run `detdiffusion-catalogue provision --management-url …`, or: "
            + "\(needed.command(virtualHost: virtualHost))"
        guard let policy = policy(for: queue) else {
            // A dead-letter queue without bounds loses nothing, it only grows.
            return queue == MessageNames.deadLetters
                ? CheckResult(.rabbitMQ, check, .warn, "none applies: dead letters pile up without end", fix: fix)
                : CheckResult(.rabbitMQ, check, .fail, "none applies: a poison message comes back forever", fix: fix)
        }
        let name = policy["name"]?.string ?? ""
        var shortcomings = needed.shortcomings(policy["definition"]?.object ?? [:])
        if shortcomings.isEmpty, facts["policy"]?.string == name,
            let effective = facts["effective_policy_definition"]?.object
        {
            shortcomings = needed.shortcomings(effective)
        }
        guard shortcomings.isEmpty else {
            return CheckResult(
                .rabbitMQ, check, .fail, "policy \(name) applies, but " + shortcomings.joined(separator: ", "), fix: fix
            )
        }
        let definition = policy["definition"]
        let limits = ["delivery-limit", "max-length"].compactMap { key in
            (definition?[key]).map { "\(key.replacing("-", with: " ")) \($0.plain)" }
        }
        return CheckResult(.rabbitMQ, check, .ok, ([name] + limits).joined(separator: ", "))
    }
}
