// Queues, exchanges and the policy of the broker.

public import Broker
import JSON
import Messaging
import Tasks

extension Provisioner {
    /// Sets up the broker: quorum queues, the dead-letter queue and the control exchange over AMQP; the policies through
    /// the management interface, which is the only way, or as a command for an administrator.
    public func provision(broker url: BrokerURL, management: ManagementURL?) async throws -> [ProvisionStep] {
        var steps = try await declare(at: url)
        for policy in WorkPolicy.all {
            steps.append(await set(policy, virtualHost: url.virtualHost, management: management))
        }
        return steps
    }

    private func declare(at url: BrokerURL) async throws -> [ProvisionStep] {
        let topology = topology
        let facts = try await Deadline.run(limit) { try await BrokerProbe.check(url, queues: topology.queueNames) }
        let exchanges = try await Deadline.run(limit) {
            try await BrokerProbe.existingExchanges(topology.exchanges, at: url)
        }
        var refusal: BrokerError?
        if !plan.isDryRun {
            do {
                try await Deadline.run(limit) { try await BrokerProbe.declare(topology.provisioned, at: url) }
            } catch let error as BrokerError where error.isMissingRight {
                refusal = error
            }
        }
        func step(_ kind: String, _ name: String, isThere: Bool, detail: String) -> ProvisionStep {
            if isThere { return ProvisionStep(.rabbitMQ, "\(kind) \(name)", .present, detail) }
            if plan.isDryRun { return ProvisionStep(.rabbitMQ, "\(kind) \(name)", .planned, "declare: \(detail)") }
            guard let refusal else { return ProvisionStep(.rabbitMQ, "\(kind) \(name)", .done, "declared: \(detail)") }
            return ProvisionStep(
                .rabbitMQ, "\(kind) \(name)", .todo, refusal.description,
                instructions: [Self.permission(user: url.user, virtualHost: url.virtualHost)])
        }
        return topology.exchanges.map {
            step("exchange", $0, isThere: exchanges.contains($0), detail: "fan-out, durable")
        }
            + topology.queueNames.map {
                step("queue", $0, isThere: facts.queueExists($0), detail: "quorum")
            }
    }

    /// What lets this user declare everything of ours.
    private static func permission(user: String, virtualHost: String) -> String {
        let own = "'^(detdiffusion\\..*|amq\\.gen.*)$'", write = "'^(detdiffusion\\..*|amq\\.gen.*|amq\\.default)$'"
        return "rabbitmqctl set_permissions --vhost '\(virtualHost)' '\(user)' \(own) \(write) \(own)"
    }

    private func set(_ policy: WorkPolicy, virtualHost: String, management: ManagementURL?) async -> ProvisionStep {
        let subject = "policy \(policy.name)"
        let command = policy.command(virtualHost: virtualHost)
        guard let management else {
            return ProvisionStep(
                .rabbitMQ, subject, .todo, "cannot be seen or set over AMQP; give --management-url, or run the command",
                instructions: [command])
        }
        do {
            let client = ManagementClient(management)
            return try await Deadline.run(limit) { try await set(policy, virtualHost: virtualHost, through: client) }
        } catch {
            return ProvisionStep(.rabbitMQ, subject, .todo, "\(error)", instructions: [command])
        }
    }

    private func set(
        _ policy: WorkPolicy, virtualHost: String, through client: ManagementClient
    ) async throws -> ProvisionStep {
        let subject = "policy \(policy.name)"
        var before: JSONValue?
        do {
            before = try await client.get("policies", virtualHost, policy.name)
        } catch let error as ProvisioningError where error.code == .missing {
            before = nil
        }
        let wanted = policy.body
        let isThere = ["pattern", "priority", "definition"].allSatisfy { before?[$0] == wanted[$0] }
        if isThere { return ProvisionStep(.rabbitMQ, subject, .present, policy.purpose) }
        if plan.isDryRun { return ProvisionStep(.rabbitMQ, subject, .planned, "set: \(policy.purpose)") }
        try await client.put("policies", virtualHost, policy.name, body: wanted)
        return ProvisionStep(.rabbitMQ, subject, .done, (before == nil ? "set: " : "changed: ") + policy.purpose)
    }
}
