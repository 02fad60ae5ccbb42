// Two simulated hosts, each in a network namespace of its own, whose links to the servers are cut and healed.

import Fixtures
import Foundation
import Testing

/// Whether this machine lets a test make network namespaces.
private let hasNamespaces =
    isSoaking && geteuid() == 0 && ["/usr/sbin/ip", "/sbin/ip"].contains { FileManager.default.fileExists(atPath: $0) }
    && FileManager.default.fileExists(atPath: "/usr/bin/socat")

@Suite(
    .serialized,
    .enabled(if: hasNamespaces, "needs ops/soak, root, iproute2 and socat: apt-get install iproute2 socat"))
struct PartitionTests {
    static let tasks = 3000

    @Test("two hosts whose links are cut and healed lose nothing and double nothing")
    func cutAndHealed() throws {
        let world = try SoakWorld(images: 5000)
        try world.enqueue(limit: Self.tasks, samples: 1, shardSize: 250)
        let hosts = try [SimulatedHost(number: 1), SimulatedHost(number: 2)]
        // Whatever fails, nothing of the hosts stays behind.
        defer { for host in hosts { host.remove() } }
        let workers = try hosts.map { try world.startWorker(on: $0) }
        for (share, cut) in [(0.2, 0), (0.5, 1)] {
            try world.waitUntilDone(Int(share * Double(Self.tasks)))
            let other = workers[1 - cut]
            let before = other.errors.components(separatedBy: "Took tasks back").count
            try hosts[cut].setLink("down")
            // The other host outlives the lease of the one that is cut off.
            try other.waitFor("Took tasks back", times: before, limit: .seconds(60))
            try hosts[cut].setLink("up")
        }
        for worker in workers { #expect(try worker.wait(limit: .seconds(300)).status == 0) }
        try world.expectWhole(tasks: Self.tasks)
        try world.remove()
    }
}

/// A network namespace with one link to this machine, over which it reaches the loopback servers through forwarders.
final class SimulatedHost: Sendable {
    let name: String
    private let link: String
    private let forwarders: [RunningProcess]
    /// Variables of commands that run on this host.
    let environment: [String: String]

    init(number: Int) throws {
        let name = "ddsoak\(number)"
        let link = "ddsoak\(number)"
        let address = "10.213.\(number)"
        try Self.ip("netns", "add", name)
        try Self.ip("link", "add", link, "type", "veth", "peer", "name", "uplink", "netns", name)
        try Self.ip("addr", "add", "\(address).1/24", "dev", link)
        try Self.ip("link", "set", link, "up")
        try Self.ip("-n", name, "addr", "add", "\(address).2/24", "dev", "uplink")
        try Self.ip("-n", name, "link", "set", "uplink", "up")
        try Self.ip("-n", name, "link", "set", "lo", "up")
        var environment: [String: String] = [:]
        var forwarders: [RunningProcess] = []
        for variable in ["AMQP_URL", "DATABASE_URL"] {
            let url = try #require(Surroundings.variable(variable).flatMap { URLComponents(string: $0) })
            let port = try #require(url.port)
            forwarders.append(
                try RunningProcess(
                    "/usr/bin/socat",
                    ["TCP-LISTEN:\(port),bind=\(address).1,reuseaddr,fork", "TCP:127.0.0.1:\(port)"]))
            environment[variable] = Surroundings.variable(variable)?
                .replacing("@127.0.0.1:", with: "@\(address).1:").replacing("@localhost:", with: "@\(address).1:")
        }
        self.name = name
        self.link = link
        self.forwarders = forwarders
        self.environment = environment
    }

    /// Cuts (`down`) or heals (`up`) the link.
    func setLink(_ state: String) throws { try Self.ip("link", "set", link, state) }

    /// Removes the namespace, and with it the link.
    func remove() {
        for forwarder in forwarders { forwarder.send(SIGTERM) }
        do {
            try Self.ip("netns", "del", name)
        } catch {
            Issue.record(error)
        }
    }

    private static func ip(_ arguments: String...) throws {
        let result = try RunningProcess("/usr/bin/env", ["ip"] + arguments).wait()
        guard result.status == 0 else {
            throw ProcessFailure("ip \(arguments.joined(separator: " ")): \(result.errors)")
        }
    }
}

extension RunningProcess {
    /// Waits until its standard error holds `text` at least `times` times.
    func waitFor(_ text: String, times: Int, limit: Duration) throws {
        let deadline = ContinuousClock.now + limit
        while errors.components(separatedBy: text).count <= times {
            guard isRunning, ContinuousClock.now < deadline else {
                throw ProcessFailure("expected '\(text)' \(times) times on standard error: \(errors.suffix(2000))")
            }
            usleep(20_000)
        }
    }
}
