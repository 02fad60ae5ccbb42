// Two simulated hosts whose links to the servers are cut and healed.

import Fixtures
import Foundation
import Testing

/// Making network namespaces takes root; what else is missing fails the test. `ops/soak` says what is left out.
@Suite(.serialized, .enabled(if: isSoaking && geteuid() == 0, "needs ops/soak, as root"))
struct PartitionTests {
    static let tasks = 3000

    @Test("two hosts whose links are cut and healed lose nothing and double nothing")
    func cutAndHealed() throws {
        let world = try SoakWorld(images: 5000)
        // At its own pace, so that both cuts come in the middle of the work on any machine.
        try world.enqueue(limit: Self.tasks, samples: 1, shardSize: 250, generator: "blank")
        var hosts: [SimulatedHost] = []
        // Whatever fails, nothing of the hosts stays behind.
        defer { for host in hosts { host.remove() } }
        for number in 1...2 { hosts.append(try SimulatedHost(number: number)) }
        let begin = ContinuousClock.now
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
        print("two hosts, each cut off once: \(Self.tasks) tasks in \(ContinuousClock.now - begin)")
        try world.expectWhole(tasks: Self.tasks)
        try world.remove()
    }

    @Test("a host that cannot be made leaves nothing behind", arguments: HostFault.allCases)
    func failedHost(fault: HostFault) throws {
        let number = 3
        let name = SimulatedHost.name(number)
        if fault == .linkExists {
            try SimulatedHost.ip("link", "add", name, "type", "veth", "peer", "name", name + "p")
        }
        defer { if fault == .linkExists { #expect(throws: Never.self) { try SimulatedHost.ip("link", "del", name) } } }
        let servers = fault == .serverUnknown ? ["AMQP_URL", "DETDIFFUSION_NO_SUCH_URL"] : SimulatedHost.servers
        #expect(throws: (any Error).self) { try SimulatedHost(number: number, servers: servers) }
        #expect(try !SimulatedHost.ip("netns", "list").contains(name))
        let forwarders = try RunningProcess(
            "/usr/bin/env", ["pgrep", "-f", "bind=" + SimulatedHost.network(number) + ".1"]
        ).wait()
        #expect(forwarders.status == 1, "expected no forwarder, found \(forwarders.output)")
    }

    enum HostFault: CaseIterable { case linkExists, serverUnknown }
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
