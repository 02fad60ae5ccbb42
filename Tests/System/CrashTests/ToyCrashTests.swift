// A kind that only tests know, through every crash and everything that mends: it records bytes, and nothing follows it.

import Fixtures
import Foundation
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct ToyCrashTests {
    static let points = [
        CrashPoint("producer.in-copy", 1...1),
        CrashPoint("postgres.before-commit.enqueue", 1...1),
        CrashPoint("postgres.after-commit.enqueue", 1...1),
        CrashPoint("producer.before-publish", 1...1),
        CrashPoint("broker.after-publish", 1...6),
        CrashPoint("broker.after-confirm", 1...1),
        CrashPoint("producer.before-mark", 1...1),
    ]
    static let pointsOfWorkers = [
        CrashPoint("worker.before-claim", 1...5),
        CrashPoint("worker.after-claim", 1...5),
        CrashPoint("worker.before-acknowledge", 1...5),
        CrashPoint("worker.after-acknowledge", 1...5),
        CrashPoint("worker.before-finish", 1...6),
        CrashPoint("postgres.before-commit.finish", 1...6),
        CrashPoint("postgres.after-commit.finish", 1...6),
        CrashPoint("worker.after-finish", 1...6),
    ]

    @Test("its producer killed at any point and run again publishes what is missing", arguments: points, crashSeeds)
    func producerKilled(at point: CrashPoint, seed: Int) throws {
        try TestWorld.with("toy") { world in
            let passage = pick(point.passages, seed: seed, "toy " + point.name)
            try expectDeath(world, "enqueue", "\(point.name)=kill@\(passage)")
            try toy(world, "enqueue")
            try toy(world, "work")
            try expectWhole(world)
        }
    }

    @Test("its worker killed at any point loses nothing and doubles nothing", arguments: pointsOfWorkers, crashSeeds)
    func workerKilled(at point: CrashPoint, seed: Int) throws {
        try TestWorld.with("toy") { world in
            try toy(world, "enqueue")
            let passage = pick(point.passages, seed: seed, "toy " + point.name)
            try expectDeath(world, "work", "\(point.name)=kill@\(passage)")
            try toy(world, "work")
            try expectWhole(world)
        }
    }

    @Test("its worker frozen past its lease is fenced off when it thaws")
    func zombie() throws {
        try TestWorld.with("toy") { world in
            try toy(world, "enqueue")
            let zombie = try start(world, "work", failpoints: "worker.before-finish=stop@2")
            try waitUntilStopped(zombie)
            try toy(world, "work")
            try expectWhole(world)
            zombie.send(SIGCONT)
            let result = try zombie.wait()
            #expect(result.status == 0, "\(result.errors.suffix(1500))")
            try expectWhole(world)
        }
    }

    @Test("audit finds what happened to its rows, and reconcile mends it")
    func auditAndReconcile() throws {
        try TestWorld.with("toy") { world in
            try toy(world, "enqueue")
            try toy(world, "work")
            for (harm, finding) in [
                ("UPDATE results SET content = 'others' WHERE number = 3", "result: expected bytes with SHA-256"),
                ("DELETE FROM results WHERE number = 2", "done tasks and records without one another"),
                ("UPDATE tasks SET state = 'open' WHERE number = 1", "done tasks and records without one another"),
                ("DELETE FROM tasks WHERE number = 4", "task rows"),
                ("UPDATE shards SET done = 1", "counter done"),
                ("UPDATE shards SET state = 'open', finished_at = NULL", "finished, since all of its tasks are done"),
                ("UPDATE shards SET state = 'generated'", "finished, since nothing follows it"),
                ("UPDATE results SET number = 9 WHERE number = 6", "results with numbers or kinds beyond the shard"),
            ] {
                try world.sql(harm)
                let audit = try world.commands.run("catalogue", ["audit"])
                #expect(audit.status == 1 && audit.output.contains(finding), "\(harm): \(audit.output) \(audit.errors)")
                try world.commands.succeed("catalogue", ["reconcile", "--fix"])
                try toy(world, "work")
                try expectWhole(world, "\(harm)")
            }
        }
    }

    @Test("what cannot be read fails alone and by name; retry, finish, gc, export and purge know its job")
    func control() throws {
        try TestWorld.with("toy") { world in
            try toy(world, "enqueue", ["TOY_GARBAGE": "yes"])
            try toy(world, "work")
            #expect(
                try world.sql("SELECT number, state, attempt, reason FROM tasks WHERE state <> 'done'") == [
                    "5|dead|1|reverse task: expected UTF-8, found 1 bytes that are none"
                ])
            let states = try world.sql("SELECT state, count(*) FROM shards GROUP BY 1 ORDER BY 1")
            #expect(states == ["open|1", "finished|2"])
            let retry = try world.commands.succeed("catalogue", ["retry", "--job", "toy"])
            #expect(retry.contains("1"), "\(retry)")
            try toy(world, "work")
            #expect(try world.sql("SELECT count(*) FROM tasks WHERE state = 'dead'") == ["1"])
            try world.commands.succeed("catalogue", ["finish", "--job", "toy", "--allow-dead", "1"])
            #expect(try world.sql("SELECT state, count(*) FROM shards GROUP BY 1") == ["finished|3"])
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)
            let collected = try world.commands.succeed("catalogue", ["gc"])
            #expect(!collected.contains("archives are not"), "\(collected)")
            let export = try world.commands.run(
                "catalogue", ["export", "coco", "--job", "toy", "--out", world.folder + "/x"])
            #expect(export.status == 78 && export.errors.contains("found kind reverse"), "\(export.errors)")
            try world.commands.succeed("catalogue", ["purge", "--job", "toy"])
            #expect(try world.sql("SELECT count(*) FROM results") == ["0"])
        }
    }

    @Test("its results are listed page by page and written to files")
    func results() throws {
        try TestWorld.with("toy") { world in
            try toy(world, "enqueue")
            try toy(world, "work")
            let listed = try world.records("results", ["--job", "toy", "--shard", "1"])
            #expect(listed.compactMap { $0["task"] as? Int } == Array(0..<8))
            #expect(
                listed.allSatisfy { $0["kind"] as? String == "reverse" && $0["deviceClass"] as? String == "mirror-1" })
            let out = world.folder + "/results"
            try world.commands.succeed("catalogue", ["results", "--job", "toy", "--out", out])
            #expect(try FileManager.default.contentsOfDirectory(atPath: out).count == 24)
            #expect(try String(contentsOfFile: out + "/1-reverse-0.bin", encoding: .utf8) == "8 txet")
            let refused = try world.commands.run("catalogue", ["results", "--out", out])
            #expect(refused.status == 64 && refused.errors.contains("found no --job"), "\(refused.errors)")
        }
    }

    // MARK: The toy

    private func start(
        _ world: TestWorld, _ command: String, _ environment: [String: String] = [:], failpoints: String = ""
    ) throws -> RunningProcess {
        let own = environment.merging(["DETDIFFUSION_FAILPOINTS": failpoints]) { $1 }
        return try RunningProcess(
            "\(Surroundings.executables)/toy", [command], environment: world.commands.environment.merging(own) { $1 })
    }

    private func toy(_ world: TestWorld, _ command: String, _ environment: [String: String] = [:]) throws {
        let result = try start(world, command, environment).wait()
        #expect(result.status == 0, "toy \(command): \(result.errors.prefix(1500)) … \(result.errors.suffix(1500))")
    }

    private func expectDeath(_ world: TestWorld, _ command: String, _ failpoints: String) throws {
        let result = try start(world, command, failpoints: failpoints).wait()
        #expect(result.status == 128 + SIGKILL, "toy \(command) survived \(failpoints): \(result.errors.suffix(1500))")
    }

    /// Every task done and recorded once with what belongs to it, every shard finished without an archive, and the audit
    /// equation holds.
    private func expectWhole(_ world: TestWorld, _ comment: Comment? = nil) throws {
        #expect(
            try world.sql(
                """
                SELECT count(*) FROM results r JOIN payloads p USING (shard_id, number)
                WHERE r.kind = 'reverse' AND r.lost_at IS NULL AND r.device_class = 'mirror-1' AND r.form = 'bytes'
                  AND convert_from(r.content, 'UTF8') = reverse(convert_from(p.payload, 'UTF8'))
                """) == ["24"], comment)
        #expect(try world.sql("SELECT count(*) FROM results") == ["24"], comment)
        #expect(try world.sql("SELECT kind, state, count(*) FROM tasks GROUP BY 1, 2") == ["reverse|done|24"], comment)
        #expect(
            try world.sql("SELECT state, tar IS NULL, sum(done) FROM shards GROUP BY 1, 2") == ["finished|t|24"],
            comment)
        let audit = try world.commands.run("catalogue", ["audit"])
        #expect(audit.status == 0, "\(audit.output) \(audit.errors)")
    }
}
