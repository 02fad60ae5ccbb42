// Servers that die or go away while they are needed.

import Fixtures
import Foundation
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct ServerCrashTests {
    @Test("purged queues delay and lose nothing", arguments: crashSeeds)
    func purgedQueues(seed: Int) throws {
        try CrashWorld.with { world in
            try world.enqueue()
            try stack("ctl", "-q", "-p", "detdiffusion", "purge_queue", "detdiffusion.v1.generate.sketch")
            try world.heal()
            try world.expectWhole()
        }
    }

    @Test("a broker killed while a producer publishes delays and loses nothing", arguments: crashSeeds)
    func brokerKilledWhilePublishing(seed: Int) throws {
        // The producer freezes with messages on their way, so that the broker dies in the middle.
        let point = "broker.after-publish=stop@\(pick(1...6, seed: seed, "broker"))"
        try outlive("rabbitmq", by: "kill", frozenAt: point, isProducer: true)
    }

    @Test("a broker killed under a worker is waited for", arguments: crashSeeds)
    func brokerKilledUnderWorker(seed: Int) throws {
        let point = "worker.before-acknowledge=stop@\(pick(1...4, seed: seed, "under worker"))"
        try outlive("rabbitmq", by: "kill", frozenAt: point)
    }

    @Test("PostgreSQL killed in the middle of a commit is waited for, with the results kept", arguments: crashSeeds)
    func postgresKilledInCommit(seed: Int) throws {
        let point = seed.isMultiple(of: 2) ? "postgres.before-commit.finish" : "postgres.after-commit.finish"
        try outlive(
            "postgres", by: "kill", frozenAt: "\(point)=stop@\(pick(1...5, seed: seed, "commit"))",
            until: ["The catalogue is away"])
    }

    @Test("PostgreSQL away for longer than a lease costs time only", arguments: crashSeeds)
    func postgresAway(seed: Int) throws {
        // Two rounds of waiting are longer than the lease of these workers.
        try outlive(
            "postgres", by: "stop", frozenAt: "worker.before-finish=stop@\(pick(1...4, seed: seed, "away"))",
            until: ["The catalogue is away", "action=finish"])
    }

    @Test("PostgreSQL away for longer than a lease is nobody's death")
    func postgresAwayKillsNobody() throws {
        try CrashWorld.with { world in
            try world.enqueue()
            let lease = CrashWorld.workerArguments + ["--lease", "6"]
            let worker = try world.commands.start(
                "worker", lease, failpoints: "worker.before-finish=stop@2")
            try waitUntilStopped(worker)
            // Another one, which holds nothing and looks for leases that ran out.
            let other = try world.commands.start("worker", lease)
            try other.waitFor("Worker started")
            try stack("stop", "postgres")
            try pass(.seconds(7), in: world)
            try stack("start", "postgres")
            // Others have the catalogue for themselves at first; the holder renews late, and within its lease.
            let fresh = try world.commands.start("worker", lease)
            try fresh.waitFor("Worker started")
            try pass(.seconds(2), in: world)
            worker.send(SIGCONT)
            for process in [worker, other, fresh] {
                let result = try process.wait()
                #expect(result.status == 0, "\(result.errors.suffix(1500))")
            }
            #expect(try world.world.sql("SELECT sum(attempt), sum(deaths) FROM tasks") == ["0|0"])
            try world.expectWhole()
        }
    }

    /// Ends a server while a worker, or a producer, is frozen at a failpoint; the command thaws without the server, says
    /// what `until` names, and ends well when the server is back.
    private func outlive(
        _ server: String, by action: String, frozenAt failpoint: String, isProducer: Bool = false,
        until notices: [String] = []
    ) throws {
        try CrashWorld.with { world in
            if !isProducer { try world.enqueue() }
            let command = try world.commands.start(
                isProducer ? "producer" : "worker",
                isProducer ? world.enqueueArguments : CrashWorld.workerArguments, failpoints: failpoint)
            try waitUntilStopped(command)
            try stack(action, server)
            command.send(SIGCONT)
            for notice in notices { try command.waitFor(notice) }
            try stack("start", server)
            let result = try command.wait()
            #expect(result.status == 0, "\(result.errors.suffix(1500))")
            try world.heal()
            try world.expectWhole()
        }
    }

    private func pass(_ time: Duration, in world: CrashWorld) throws {
        let begin = ContinuousClock.now
        try world.world.wait(for: "time to pass") { begin.duration(to: .now) >= time }
    }

    private func stack(_ arguments: String...) throws {
        let result = try RunningProcess(Surroundings.root + "/ops/stack", arguments).wait()
        guard result.status == 0 else {
            throw ProcessFailure("ops/stack \(arguments.joined(separator: " ")): \(result.errors) \(result.output)")
        }
    }
}

/// Waits until a process has stopped itself at a failpoint.
func waitUntilStopped(_ process: RunningProcess) throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while ContinuousClock.now < deadline {
        let status = try String(contentsOfFile: "/proc/\(process.identifier)/stat", encoding: .utf8)
        if status.split(separator: ")").last?.split(separator: " ").first == "T" { return }
        usleep(10_000)
    }
    throw ProcessFailure("the process did not stop at its failpoint: \(process.errors.suffix(1500))")
}
