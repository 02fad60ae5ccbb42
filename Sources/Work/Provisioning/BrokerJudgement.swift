// What facts about a broker mean for work that must not be lost; pure.

import JSON
import Messaging

/// Judges what a broker tells about itself.
enum BrokerJudgement {
    /// 3.10 is the first version whose quorum queues dead-letter at least once.
    static func version(product: String, _ version: String) -> CheckResult {
        let numbers = version.split(separator: ".").prefix(2).map { Int($0) ?? 0 }
        guard product == "RabbitMQ", numbers.count == 2 else {
            return CheckResult(
                .rabbitMQ, "version", .warn, "\(product) \(version), expected RabbitMQ 3.10 or later",
                fix: "use RabbitMQ: quorum queues and their policies are its own")
        }
        if (numbers[0], numbers[1]) < (3, 10) {
            return CheckResult(
                .rabbitMQ, "version", .fail, "\(version), expected 3.10 or later: dead letters can be lost",
                fix: "upgrade RabbitMQ to 3.10 or later")
        }
        let note = numbers[0] >= 4 ? " (4.x limits deliveries to 20 even without a policy)" : ""
        return CheckResult(.rabbitMQ, "version", .ok, version + note)
    }

    static func transport(isTLS: Bool, verifiesPeer: Bool, host: String) -> CheckResult {
        if isTLS, verifiesPeer { return CheckResult(.rabbitMQ, "transport", .ok, "TLS, peer and host name verified") }
        if Loopback.contains(host) { return CheckResult(.rabbitMQ, "transport", .ok, "loopback") }
        if isTLS {
            return CheckResult(
                .rabbitMQ, "transport", .warn, "TLS, but nobody checks who answers (verify=verify_none)",
                fix: "set cacertfile=… in AMQP_URL and leave verify out")
        }
        return CheckResult(
            .rabbitMQ, "transport", .warn, "password and messages travel to \(host) in clear text",
            fix: "use amqps:// with cacertfile=… in AMQP_URL")
    }

    static func heartbeat(_ seconds: Int) -> CheckResult {
        switch seconds {
        case ..<5:
            CheckResult(
                .rabbitMQ, "heartbeat", .warn, "\(seconds) s: a short stall of the network ends the connection",
                fix: "use heartbeat=20 in AMQP_URL")
        case 121...:
            CheckResult(
                .rabbitMQ, "heartbeat", .warn, "\(seconds) s: a dead host is noticed only after twice that",
                fix: "use heartbeat=20 in AMQP_URL")
        default: CheckResult(.rabbitMQ, "heartbeat", .ok, "\(seconds) s")
        }
    }

    /// How long a delivery may stay unacknowledged before the broker closes the channel; nil means forever.
    ///
    /// Workers acknowledge as soon as a claim is committed, and give a delivery back after 20 s without room, so a
    /// minute is enough; the broker looks once a minute.
    static func consumerTimeout(milliseconds: Int?) -> CheckResult {
        let check = "consumer timeout",
            fix = "set consumer_timeout = 1800000 or more in rabbitmq.conf, and restart the node"
        guard let milliseconds else { return CheckResult(.rabbitMQ, check, .ok, "none") }
        let seconds = milliseconds / 1000
        if seconds < 60 {
            return CheckResult(
                .rabbitMQ, check, .fail,
                "\(seconds) s, expected 300 s or more: channels close under workers, and messages die of "
                    + "the delivery limit",
                fix: fix)
        }
        if seconds < 300 {
            return CheckResult(
                .rabbitMQ, check, .warn, "\(seconds) s, expected 300 s or more: a slow catalogue closes channels",
                fix: fix)
        }
        return CheckResult(.rabbitMQ, check, .ok, "\(seconds) s")
    }

    static func deadLetters(_ count: Int) -> CheckResult {
        guard count > 0 else { return CheckResult(.rabbitMQ, "dead letters", .ok, "none") }
        return CheckResult(
            .rabbitMQ, "dead letters", .warn,
            "\(count) messages that the broker gave up on; idle workers find their work in the "
                + "catalogue, nothing is lost",
            fix: "look for workers that die, then purge: rabbitmqctl purge_queue --vhost … QUEUE")
    }

    /// Memory and disc alarms stop every publisher.
    static func alarms(_ nodes: [JSONValue]) -> CheckResult {
        var raised: [String] = []
        for node in nodes {
            let name = node["name"]?.string ?? "?"
            if node["running"]?.flag == false { raised.append("\(name) is down") }
            if node["mem_alarm"]?.flag == true { raised.append("memory on \(name)") }
            if node["disk_free_alarm"]?.flag == true { raised.append("disc on \(name)") }
            if let others = node["partitions"]?.list, !others.isEmpty { raised.append("\(name) is partitioned") }
        }
        guard !raised.isEmpty else {
            let names = nodes.compactMap { $0["name"]?.string }.sorted().joined(separator: ", ")
            return CheckResult(.rabbitMQ, "alarms", .ok, "none on \(names)")
        }
        return CheckResult(
            .rabbitMQ, "alarms", .fail, raised.joined(separator: ", ") + ": publishers wait until this is over",
            fix: "free memory or disc on the node, or start it; rabbitmq-diagnostics alarms tells more")
    }

    /// A work queue or the dead-letter queue as the management interface tells of it.
    static func queue(_ name: String, _ facts: JSONValue) -> CheckResult {
        let check = "queue \(WorkTopology.shortName(name))"
        let type = facts["type"]?.string ?? "unknown"
        guard type == "quorum" else {
            return CheckResult(
                .rabbitMQ, check, .fail, "its type is \(type), expected quorum: a broker crash loses what is in it",
                fix: "delete the queue when it is empty, and run `detdiffusion-catalogue provision`")
        }
        let members = facts["members"]?.list?.count ?? 0, online = facts["online"]?.list?.count ?? 0
        let leader = facts["leader"]?.string ?? ""
        guard !leader.isEmpty, online > 0 else {
            return CheckResult(
                .rabbitMQ, check, .fail, "it has no leader (\(online) of \(members) members are online)",
                fix:
                    "start the cluster's nodes; a queue that stays without a leader must be deleted and "
                    + "made again by provision"
            )
        }
        let found =
            "quorum, leader \(leader), \(online) of \(members) online, \(facts["messages"]?.integer ?? 0) messages"
        guard online == members else {
            return CheckResult(.rabbitMQ, check, .warn, found, fix: "start the nodes that are down")
        }
        return CheckResult(.rabbitMQ, check, .ok, found)
    }
}

/// Addresses of this very host.
enum Loopback {
    static func contains(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.") || host.hasPrefix("/")
    }
}
