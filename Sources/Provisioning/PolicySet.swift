// Which policy applies to a queue, by RabbitMQ's rules: of those whose pattern matches, the one of highest priority.

import Foundation

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
        }.max { ($0["priority"]?.int ?? 0) < ($1["priority"]?.int ?? 0) }
    }

    /// RabbitMQ's patterns are Perl's; ICU's are near enough for those that name queues.
    private static func matches(_ pattern: String, _ queue: String) -> Bool {
        queue.range(of: pattern, options: .regularExpression) != nil
    }

    /// Whether a work queue's policy says what it must.
    /// - Parameter facts: the queue as the management interface tells of it; an operator's policy shows only there.
    func judge(_ queue: String, _ facts: JSONValue, virtualHost: String) -> Finding {
        let check = "policy \(WorkTopology.shortName(queue))"
        let fix =
            "run `detdiffusion-catalogue provision --management-url …`, or: "
            + "\(WorkPolicy.command(virtualHost: virtualHost))"
        guard let policy = policy(for: queue) else {
            return Finding(.rabbitMQ, check, .fail, "none applies: a poison message comes back forever", fix: fix)
        }
        let name = policy["name"]?.string ?? ""
        var shortcomings = WorkPolicy.shortcomings(policy["definition"]?.object ?? [:])
        if shortcomings.isEmpty, facts["policy"]?.string == name,
            let effective = facts["effective_policy_definition"]?.object
        {
            shortcomings = WorkPolicy.shortcomings(effective)
        }
        guard shortcomings.isEmpty else {
            return Finding(
                .rabbitMQ, check, .fail, "policy \(name) applies, but " + shortcomings.joined(separator: ", "), fix: fix
            )
        }
        return Finding(
            .rabbitMQ, check, .ok, "\(name), delivery limit \(policy["definition"]?["delivery-limit"]?.plain ?? "")")
    }
}
