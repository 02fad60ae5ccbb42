// A large job in a catalogue and its own object directory.

import Fixtures
import Foundation
import Testing

/// One long run's world.
final class SoakWorld: Sendable {
    let world: TestWorld
    private var commands: Commands { world.commands }

    /// Makes an empty catalogue, an empty store and a sample of `images` images.
    init(images: Int) throws {
        world = try TestWorld("soak")
        try commands.succeed(
            "producer", ["example", "--out", world.folder + "/example.json", "--seed", "0", "--images", String(images)])
    }

    /// Removes the schema and the files.
    func remove() throws { try world.remove() }

    func enqueue(limit: Int, samples: Int, shardSize: Int, generator: String = "sketch") throws {
        try commands.succeed(
            "producer",
            enqueueArguments(limit: limit, samples: samples, shardSize: shardSize) + ["--generator", generator])
    }

    /// Starts a producer with further arguments, instead of waiting for its end.
    func startProducer(limit: Int, samples: Int, shardSize: Int, _ more: [String]) throws -> RunningProcess {
        try commands.start(
            "producer", enqueueArguments(limit: limit, samples: samples, shardSize: shardSize) + more)
    }

    private func enqueueArguments(limit: Int, samples: Int, shardSize: Int) -> [String] {
        [
            "enqueue", "--job", "soak", "--annotations", world.folder + "/example.json", "--strategy", "hard",
            "--limit",
            String(limit), "--samples", String(samples), "--shard-size", String(shardSize), "--size", "64x48",
        ]
    }

    /// Starts a worker with short leases.
    func startWorker(failpoints: String = "") throws -> RunningProcess {
        try commands.start("worker", Self.workerArguments, failpoints: failpoints)
    }

    /// Starts a worker whose wall clock is ahead; its monotonic clock is right.
    func startWorker(clockAhead seconds: Int) throws -> RunningProcess {
        let library = world.folder + "/false_clock.so"
        let source = Surroundings.root + "/Tests/System/SoakTests/FalseClock/false_clock.c"
        let compiled = try RunningProcess(
            "/usr/bin/env", ["clang", "-std=c17", "-shared", "-fPIC", "-o", library, source]
        ).wait()
        guard compiled.status == 0 else { throw ProcessFailure("clang \(source): \(compiled.errors)") }
        return try Commands(
            environment: commands.environment.merging([
                "LD_PRELOAD": library, "FALSE_CLOCK_AHEAD": String(seconds),
            ]) { $1 }
        ).start("worker", Self.workerArguments)
    }

    /// Starts a worker on a simulated host, for the generator `blank` at 50 tasks a second.
    func startWorker(on host: SimulatedHost) throws -> RunningProcess {
        var environment = commands.environment.merging(host.environment) { $1 }
        environment["DATABASE_URL"] = TestWorld.url(environment["DATABASE_URL"] ?? "", schema: world.schema)
        return try RunningProcess(
            "/usr/bin/env",
            ["ip", "netns", "exec", host.name, "\(Surroundings.executables)/detdiffusion-worker"]
                + Self.workerArguments + ["--generator", "blank", "--blank-delay", "20", "--blank-distinct"],
            environment: environment)
    }

    private static let workerArguments = [
        "run", "--batch", "16", "--lease", "5", "--hint-horizon", "2", "--retry-delay", "0.2", "--exit-when-idle", "3",
        "--log-level", "info",
    ]

    /// Tasks with a recorded result; waits for a database that is just being restarted.
    func done() throws -> Int {
        for _ in 0..<200 {
            let result = try commands.run("catalogue", ["jobs", "--json"])
            if result.status == 0 { return try number("done", in: result.output) }
            usleep(100_000)
        }
        throw ProcessFailure("the catalogue did not come back")
    }

    /// Tasks whose payloads a running `enqueue` has copied, and tasks whose hints are confirmed and marked.
    func publicationProgress() throws -> [String: Int] {
        let line = try world.sql(
            """
            SELECT coalesce((SELECT max(tuples_processed) FROM pg_stat_progress_copy
                             WHERE relid = 'payloads'::regclass), 0),
                   coalesce((SELECT sum(tasks) FROM shards WHERE hinted_at IS NOT NULL), 0)
            """
        ).first
        let numbers = try #require(line).split(separator: "|").compactMap { Int($0) }
        return ["recorded": try #require(numbers.first), "published": try #require(numbers.last)]
    }

    func waitUntilDone(_ tasks: Int) throws {
        let deadline = ContinuousClock.now + .seconds(600)
        while try done() < tasks {
            guard ContinuousClock.now < deadline else { throw ProcessFailure("\(tasks) tasks were not done in 600 s") }
            usleep(50_000)
        }
    }

    /// Everything done, nothing dead, every shard finished, and the audit holds.
    func expectWhole(tasks: Int) throws {
        let output = try commands.succeed("catalogue", ["jobs", "--json"])
        #expect(try number("tasks", in: output) == tasks)
        #expect(try number("done", in: output) == tasks)
        #expect(try number("dead", in: output) == 0)
        #expect(output.contains("\"state\":\"finished\""))
        let audit = try commands.run("catalogue", ["audit"], limit: .seconds(600))
        #expect(audit.status == 0, "\(audit.output) \(audit.errors)")
    }

    private func number(_ key: String, in line: String) throws -> Int {
        let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return try #require(record?[key] as? Int)
    }

    /// Ends one of the two servers and starts it again.
    static func restart(_ server: String, by verb: String) throws {
        for arguments in [[verb, server], ["start", server]] { try stack(arguments) }
    }

    /// Removes a queue with what waits in it.
    static func deleteQueue(_ name: String) throws { try stack(["ctl", "-p", "detdiffusion", "delete_queue", name]) }

    private static func stack(_ arguments: [String]) throws {
        let result = try RunningProcess(Surroundings.root + "/ops/stack", arguments).wait()
        guard result.status == 0 else { throw ProcessFailure("ops/stack \(arguments): \(result.errors)") }
    }
}
