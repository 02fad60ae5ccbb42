// What AMQP, the management interface and rabbitmqctl tell of the broker.

import Broker
import JSON
import Messaging
import Tasks

extension Doctor {
    func examineBroker() async -> [CheckResult] {
        let url: BrokerURL
        do { url = try subject.broker.get() } catch {
            return [CheckResult(.rabbitMQ, "reachable", .fail, "\(error)", fix: "set AMQP_URL or give --amqp-url")]
        }
        let topology = topology, seesManagement = subject.management != nil
        let fix = "start RabbitMQ, or correct AMQP_URL"
        return await attempt(.rabbitMQ, "reachable", fix: fix) {
            let facts = try await BrokerProbe.check(url, queues: topology.queueNames)
            let exchanges = try await BrokerProbe.existingExchanges(topology.exchanges, at: url)
            var results = [
                CheckResult(.rabbitMQ, "reachable", .ok, "\(url), cluster \(facts.clusterName)"),
                BrokerJudgement.version(product: facts.product, facts.version),
                BrokerJudgement.transport(isTLS: url.isTLS, verifiesPeer: url.verifiesPeer, host: url.host),
                BrokerJudgement.heartbeat(url.heartbeat),
            ]
            for name in topology.exchanges where !exchanges.contains(name) {
                results.append(Self.absent("exchange \(WorkTopology.shortName(name))", name))
            }
            if exchanges.isSuperset(of: topology.exchanges) {
                results.append(CheckResult(.rabbitMQ, "exchanges", .ok, "control and dead letters"))
            }
            for name in topology.queueNames {
                let check = "queue \(WorkTopology.shortName(name))"
                guard let counts = facts.queues[name] else { results.append(Self.absent(check, name)); continue }
                // The management interface tells more of a queue that is there.
                guard !seesManagement else { continue }
                results.append(
                    CheckResult(
                        .rabbitMQ, check, .ok,
                        "there, \(counts.messages) messages, \(counts.consumers) consumers; AMQP does not tell its type"
                    ))
            }
            if let counts = facts.queues[MessageNames.deadLetters] {
                results.append(BrokerJudgement.deadLetters(counts.messages))
            }
            return results
        }
    }

    private static func absent(_ check: String, _ name: String) -> CheckResult {
        CheckResult(.rabbitMQ, check, .fail, "\(name) is not there", fix: "run `detdiffusion-catalogue provision`")
    }

    func examineManagement() async -> [CheckResult] {
        guard let url = subject.management else {
            return [
                CheckResult(
                    .rabbitMQ, "policies", .warn, "AMQP tells nothing of policies, queue types and alarms",
                    fix:
                        "give --management-url or RABBITMQ_MANAGEMENT_URL; or compare with: rabbitmqctl "
                        + "list_policies, rabbitmq-diagnostics alarms"
                )
            ]
        }
        guard case .success(let broker) = subject.broker else { return [] }
        let topology = topology
        let fix = "correct RABBITMQ_MANAGEMENT_URL; its user needs the tag monitoring or administrator"
        return await attempt(.rabbitMQ, "management", fix: fix) {
            let url = try url.get()
            let client = ManagementClient(url)
            var results = [BrokerJudgement.alarms(try await client.get("nodes").list ?? [])]
            if !url.isEncrypted, !Loopback.contains(url.host) {
                results.append(
                    CheckResult(
                        .rabbitMQ, "management", .warn, "its password travels in clear text",
                        fix: "use https:// in RABBITMQ_MANAGEMENT_URL"))
            }
            results += try await Self.queues(client, broker.virtualHost, topology)
            results.append(try await Self.binding(client, broker.virtualHost))
            return results + (try await Self.users(client, broker.virtualHost, topology))
        }
    }

    /// The queues that are there, then the policies that hold for them.
    private static func queues(
        _ client: ManagementClient, _ virtualHost: String, _ topology: WorkTopology
    ) async throws -> [CheckResult] {
        let policies = PolicySet(try await client.get("policies", virtualHost))
        var results: [CheckResult] = []
        var judgements: [CheckResult] = []
        for name in topology.queueNames {
            do {
                let facts = try await client.get("queues", virtualHost, name)
                results.append(BrokerJudgement.queue(name, facts))
                judgements.append(policies.judge(name, facts, virtualHost: virtualHost))
            } catch let error as ProvisioningError where error.code == .missing {
                continue  // AMQP told so already.
            }
        }
        return results + judgements
    }

    /// What each user of the virtual host may do.
    private static func users(
        _ client: ManagementClient, _ virtualHost: String, _ topology: WorkTopology
    ) async throws -> [CheckResult] {
        let list: JSONValue
        do {
            list = try await client.get("vhosts", virtualHost, "permissions")
        } catch let error as ProvisioningError where error.code == .notAllowed {
            return [
                CheckResult(
                    .rabbitMQ, "users", .warn, "only an administrator may see what users may do",
                    fix: "name one in RABBITMQ_MANAGEMENT_URL; or look at: rabbitmqctl list_permissions")
            ]
        }
        let judgement = BrokerUserJudgement(topology: topology, virtualHost: virtualHost)
        let users = (list.list ?? []).map { user in
            judgement.result(
                user: user["user"]?.string ?? "",
                BrokerPermissions(
                    configure: user["configure"]?.string ?? "", write: user["write"]?.string ?? "",
                    read: user["read"]?.string ?? ""))
        }
        return users.sorted { $0.check < $1.check } + [BrokerUserJudgement.unrefused]
    }

    /// Without it dead letters go to an exchange that leads nowhere.
    private static func binding(_ client: ManagementClient, _ virtualHost: String) async throws -> CheckResult {
        let name = MessageNames.deadLetters
        do {
            let bindings = try await client.get("bindings", virtualHost, "e", name, "q", name).list ?? []
            if !bindings.isEmpty { return CheckResult(.rabbitMQ, "dead-letter binding", .ok, "exchange to queue") }
        } catch let error as ProvisioningError where error.code == .missing {}
        return CheckResult(
            .rabbitMQ, "dead-letter binding", .fail,
            "exchange \(name) leads to no queue: dead letters stay in their queues",
            fix: "run `detdiffusion-catalogue provision`")
    }

    /// Neither AMQP nor the management interface tells it.
    func examineConsumerTimeout() async -> [CheckResult] {
        let expression = "rabbit_misc:get_env(rabbit, consumer_timeout, undefined)."
        guard let command = subject.controlCommand else {
            return [
                CheckResult(
                    .rabbitMQ, "consumer timeout", .warn,
                    "only rabbitmqctl tells it; expected 300 s or more (RabbitMQ's own: 1800 s)",
                    fix: "on the broker's host: rabbitmqctl eval '\(expression)'; or give --rabbitmqctl COMMAND")
            ]
        }
        let fix = "correct --rabbitmqctl; it must be a command line that ends where rabbitmqctl's arguments begin"
        return await attempt(.rabbitMQ, "consumer timeout", fix: fix, verdict: .warn) {
            let output = try await ControlCommand(command).run(["eval", "--quiet", expression])
            if output == "undefined" || output == "infinity" {
                return [BrokerJudgement.consumerTimeout(milliseconds: nil)]
            }
            guard let milliseconds = Int(output) else {
                throw ProvisioningError(
                    .unavailable, "rabbitmqctl: expected a number of milliseconds, found '\(output.prefix(100))'")
            }
            return [BrokerJudgement.consumerTimeout(milliseconds: milliseconds)]
        }
    }
}
