// What each kind of user may do on the broker, as RabbitMQ's three regular expressions.

import Broker
import Foundation
import Messaging
import Tasks

/// Who connects to the broker.
///
/// Nobody but an administrator declares, deletes or binds what is shared: `provision` makes queues and exchanges before
/// producers and workers need them, and these only look whether they are there.
public enum BrokerRole: String, Sendable, CaseIterable {
    /// Publishes hints to queues that are there.
    case producer
    /// Consumes hints, publishes further ones, and listens to job control with its own queue.
    case worker
    /// Has nothing to do on the broker.
    case reader

    /// RabbitMQ's permissions of a user in a virtual host: what it may configure, write and read.
    public var permissions: BrokerPermissions {
        let nothing = "^$"
        switch self {
        case .producer: return BrokerPermissions(configure: nothing, write: #"^amq\.default$"#, read: nothing)
        case .worker:
            return BrokerPermissions(
                configure: #"^amq\.gen.*$"#, write: #"^(amq\.gen.*|amq\.default)$"#,
                read: #"^(amq\.gen.*|detdiffusion\.v[0-9]+\.(?!dead$).*)$"#)
        case .reader: return BrokerPermissions(configure: nothing, write: nothing, read: nothing)
        }
    }

    /// What the role may do, for people.
    var ability: String {
        switch self {
        case .producer: "publish hints"
        case .worker: "work"
        case .reader: "do nothing here"
        }
    }
}

/// A user's permissions in a virtual host: a right on every resource whose whole name the expression matches.
public struct BrokerPermissions: Sendable, Hashable {
    /// Who may declare and delete.
    public var configure: String
    /// Who may publish to an exchange, and bind a queue.
    public var write: String
    /// Who may consume from a queue, and bind to an exchange.
    public var read: String

    /// The rights that this gives on some resources, such as `read detdiffusion.v1.dead`.
    func rights(on resources: [String]) -> Set<String> {
        var rights: Set<String> = []
        for (right, pattern) in [("configure", configure), ("write", write), ("read", read)] {
            for resource in resources where resource.range(of: pattern, options: .regularExpression) != nil {
                rights.insert("\(right) \(resource)")
            }
        }
        return rights
    }

    /// The command that gives them.
    func command(user: String, virtualHost: String) -> String {
        "rabbitmqctl set_permissions --vhost \(ShellText.quoted(virtualHost)) \(ShellText.quoted(user)) "
            + [configure, write, read].map(ShellText.quoted).joined(separator: " ")
    }
}

/// Judges the users of a virtual host; pure.
struct BrokerUserJudgement {
    let topology: WorkTopology
    let virtualHost: String

    /// Names that stand for all: ours, the broker's own, and one of somebody else's.
    private var resources: [String] {
        topology.queueNames + topology.exchanges + ["amq.default", "amq.gen-x", "amq.fanout", "another"]
    }

    /// What a user may do, compared with what roles need.
    func result(user: String, _ permissions: BrokerPermissions) -> CheckResult {
        let check = "user \(user)", rights = permissions.rights(on: resources)
        let needs = BrokerRole.allCases.map { ($0, $0.permissions.rights(on: resources)) }
        if let (role, _) = needs.first(where: { $0.1 == rights }) {
            return CheckResult(.rabbitMQ, check, .ok, "may \(role.ability), nothing else")
        }
        let ours = topology.queueNames + topology.exchanges
        if Set(ours.map { "configure \($0)" }).isSubset(of: rights), rights.contains("write amq.default") {
            return CheckResult(
                .rabbitMQ, check, .ok, "may set up and control: no user for a worker or producer")
        }
        let role = [BrokerRole.worker, .producer, .reader].first {
            $0.permissions.rights(on: resources).isSubset(of: rights)
        }
        let excess = rights.subtracting(role?.permissions.rights(on: resources) ?? []).sorted { left, right in
            // Ours first: they say more than names that stand for others.
            (ours.contains { right.hasSuffix($0) } ? 1 : 0, left) < (
                ours.contains { left.hasSuffix($0) } ? 1 : 0, right
            )
        }
        let shown = excess.prefix(3).joined(separator: ", ") + (excess.count > 3 ? " and \(excess.count - 3) more" : "")
        return CheckResult(
            .rabbitMQ, check, .warn,
            "may \(role?.ability ?? "neither work nor publish"), and has more than that needs: \(shown)",
            fix: (role ?? .reader).permissions.command(user: user, virtualHost: virtualHost))
    }

    /// What no permission of RabbitMQ's can refuse.
    static let unrefused = CheckResult(
        .rabbitMQ, "default exchange", .ok,
        "who may publish reaches every queue by its name, which RabbitMQ cannot refuse; workers ask the catalogue about "
            + "each hint, and policies bound the queues")
}
