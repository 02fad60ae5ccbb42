// A network namespace of its own that stands for another host.

import Fixtures
import Foundation
import Testing

/// A network namespace with one link to this machine, over which it reaches the loopback servers through forwarders.
final class SimulatedHost: Sendable {
    /// The variables that hold the servers' addresses.
    static let servers = ["AMQP_URL", "DATABASE_URL"]

    let name: String
    private let forwarders: [RunningProcess]
    /// Variables of commands that run on this host.
    let environment: [String: String]

    init(number: Int, servers: [String] = SimulatedHost.servers) throws {
        name = Self.name(number)
        try Self.ip("netns", "add", name)
        do {
            let network = Self.network(number)
            try Self.link(name, network)
            forwarders = try servers.map { try Self.forward($0, at: network + ".1") }
            environment = Self.environment(of: servers, at: network + ".1")
        } catch {
            // Forwarders that were started end with their last reference.
            Self.removeNamespace(name)
            throw error
        }
    }

    /// The namespace and this machine's end of the link: another run's hosts have other names, also one's that was killed.
    static func name(_ number: Int) -> String { "ddsoak\(getpid())\(["a", "b", "c"][number - 1])" }

    /// The first three bytes of its addresses, another run's are others.
    static func network(_ number: Int) -> String {
        let ordinal = Int(getpid()) * 4 + number
        return "10.\(200 + ordinal / 256 % 50).\(ordinal % 256)"
    }

    private static func link(_ name: String, _ network: String) throws {
        try ip("link", "add", name, "type", "veth", "peer", "name", "uplink", "netns", name)
        try ip("addr", "add", "\(network).1/24", "dev", name)
        try ip("link", "set", name, "up")
        try ip("-n", name, "addr", "add", "\(network).2/24", "dev", "uplink")
        try ip("-n", name, "link", "set", "uplink", "up")
        try ip("-n", name, "link", "set", "lo", "up")
    }

    private static func forward(_ variable: String, at address: String) throws -> RunningProcess {
        guard let port = Surroundings.variable(variable).flatMap({ URLComponents(string: $0)?.port }) else {
            throw ProcessFailure("\(variable): expected a URL with a port, found none")
        }
        return try RunningProcess(
            "/usr/bin/socat",
            ["TCP-LISTEN:\(port),bind=\(address),reuseaddr,fork", "TCP:127.0.0.1:\(port)"])
    }

    private static func environment(of servers: [String], at address: String) -> [String: String] {
        let urls = servers.map { variable in
            (Surroundings.variable(variable) ?? "")
                .replacing("@127.0.0.1:", with: "@\(address):").replacing("@localhost:", with: "@\(address):")
        }
        return Dictionary(uniqueKeysWithValues: zip(servers, urls))
    }

    /// Cuts (`down`) or heals (`up`) the link.
    func setLink(_ state: String) throws { try Self.ip("link", "set", name, state) }

    /// Removes the namespace, and with it the link.
    func remove() {
        for forwarder in forwarders { forwarder.send(SIGTERM) }
        Self.removeNamespace(name)
    }

    private static func removeNamespace(_ name: String) {
        do {
            try ip("netns", "del", name)
        } catch {
            Issue.record(error)
        }
    }

    @discardableResult
    static func ip(_ arguments: String...) throws -> String {
        let result = try RunningProcess("/usr/bin/env", ["ip"] + arguments).wait()
        guard result.status == 0 else {
            throw ProcessFailure("ip \(arguments.joined(separator: " ")): \(result.errors)")
        }
        return result.output
    }
}
