// Pause, resume and cancel while workers run; the high lane before the normal one; roles with no more than their rights.

import Fixtures
import Foundation
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct ControlTests {
    /// A worker that freezes when it has claimed its third batch of two.
    private func frozenWorker(in world: TestWorld) throws -> RunningProcess {
        let worker = try world.commands.start(
            "worker", TestWorld.worker + ["--batch", "2", "--lease", "60"], failpoints: "worker.after-claim=stop@3")
        try world.wait(for: "the worker to freeze") { try worker.isStopped }
        return worker
    }

    @Test func aPausedJobHandsOutNothingUntilItIsResumed() throws {
        try TestWorld.with("control") { world in
            try world.enqueue("paused", limit: 24)
            let worker = try frozenWorker(in: world)
            #expect(
                try world.commands.succeed("catalogue", ["pause", "--job", "paused"]) == "job 'paused' is paused\n")
            worker.send(SIGCONT)
            // A paused job's tasks cannot be served, so the worker has nothing to do and leaves.
            #expect(try worker.wait().status == 0)
            let paused = try #require(try world.records("jobs").first)
            let done = try #require(paused["done"] as? Int)
            #expect(paused["state"] as? String == "paused" && done > 0 && done <= 6)
            #expect(try world.sql("SELECT count(*) FROM leases") == ["0"])
            try world.commands.succeed("worker", TestWorld.worker)
            #expect(try world.records("jobs").first?["done"] as? Int == done)
            try world.commands.succeed("catalogue", ["resume", "--job", "paused"])
            try world.commands.succeed("worker", TestWorld.worker)
            #expect(try world.records("jobs").first?["state"] as? String == "finished")
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)
        }
    }

    @Test(arguments: ["pause", "cancel"])
    func aBatchThatWaitsForItsTurnIsGivenBack(action: String) throws {
        try TestWorld.with("control") { world in
            try world.enqueue("staged", limit: 8, ["--generator", "blank"])
            let worker = try world.commands.start(
                "worker", TestWorld.worker + ["--generator", "blank", "--batch", "2", "--blank-delay", "1500"])
            try world.wait(for: "one batch computing, one staged") {
                try world.sql("SELECT count(*) FROM leases") == ["2"]
            }
            try world.commands.succeed("catalogue", [action, "--job", "staged"])
            try world.wait(for: "the staged batch to be given back", limit: .seconds(2)) {
                try world.sql("SELECT count(*) FROM leases") != ["2"]
            }
            #expect(try world.sql("SELECT count(*) FROM tasks WHERE state = 'done'") == ["0"])
            let left = action == "pause" ? "open" : "cancelled"
            #expect(try world.sql("SELECT sum(attempt) FROM tasks WHERE state = '\(left)'") == ["0"])
            #expect(try worker.wait().status == 0)
            let done = try #require(try world.records("jobs").first?["done"] as? Int)
            #expect(action == "pause" ? done == 2 : done <= 2)
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)
        }
    }

    /// Four shards, each too large to share a statement with another.
    private func recordLargeJob(in world: TestWorld) throws {
        try world.sql(
            """
            INSERT INTO jobs (name, kind, capability, lane, specification, specification_sha256, hint_size)
            VALUES ('large', 'generate', 'sketch', 'normal', '{}', sha256('large'), 16);
            INSERT INTO shards (job_id, number, first_task, tasks)
            SELECT j.id, n, n * 6000, 6000 FROM jobs j, generate_series(0, 3) n;
            INSERT INTO tasks (shard_id, kind, number)
            SELECT s.id, 'generate', n FROM shards s, generate_series(0, 5999) n;
            INSERT INTO payloads (shard_id, number, image_id, sample, payload)
            SELECT s.id, n, s.number * 6000 + n, 0, '' FROM shards s, generate_series(0, 5999) n
            """)
    }

    @Test func aLargeJobIsCancelledAndPurgedPieceByPieceAndAKillLosesNothingOfIt() throws {
        try TestWorld.with("control") { world in
            try recordLargeJob(in: world)
            let killed = try world.commands.run(
                "catalogue", ["cancel", "--job", "large"], failpoints: "postgres.after-commit.cancel=kill@2")
            #expect(killed.status == 128 + SIGKILL)
            #expect(
                try world.sql("SELECT state FROM shards ORDER BY number") == ["cancelled", "cancelled", "open", "open"])
            #expect(try world.sql("SELECT state FROM jobs") == ["cancelled"], "nothing more is claimed meanwhile")
            try world.commands.succeed("catalogue", ["cancel", "--job", "large"])
            #expect(try world.sql("SELECT state, count(*) FROM tasks GROUP BY state") == ["cancelled|24000"])
            #expect(
                try world.sql("SELECT state, cancelled FROM shards") == Array(repeating: "cancelled|6000", count: 4))
            let purge = try world.commands.run(
                "catalogue", ["purge", "--job", "large"], failpoints: "postgres.after-commit.purge=kill@3")
            #expect(purge.status == 128 + SIGKILL)
            #expect(try world.sql("SELECT number FROM shards") == ["3"])
            #expect(
                try world.sql("SELECT DISTINCT s.number FROM tasks t LEFT JOIN shards s ON s.id = t.shard_id") == ["3"],
                "no row is without its shard")
            try world.commands.succeed("catalogue", ["purge", "--job", "large"])
            let left =
                "SELECT (SELECT count(*) FROM tasks) + (SELECT count(*) FROM payloads) + (SELECT count(*) FROM jobs)"
            #expect(try world.sql(left) == ["0"])
        }
    }

    @Test func aCancelledJobGivesUpWhatIsNotDoneAndCanBePurged() throws {
        try TestWorld.with("control") { world in
            try world.enqueue("given-up", limit: 24)
            let worker = try frozenWorker(in: world)
            try world.commands.succeed("catalogue", ["cancel", "--job", "given-up"])
            worker.send(SIGCONT)
            #expect(try worker.wait().status == 0)
            let job = try #require(try world.records("jobs").first)
            let (done, cancelled) = (job["done"] as? Int ?? 0, job["cancelled"] as? Int ?? 0)
            #expect(job["state"] as? String == "cancelled" && done + cancelled == 24 && cancelled >= 18, "\(job)")
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)
            let again = try #require(throws: ProcessFailure.self) { try world.enqueue("given-up", limit: 24) }
            #expect(again.description.contains("exit 78") && again.description.contains("purge --job given-up"))
            #expect(try world.commands.run("catalogue", ["resume", "--job", "given-up"]).status == 78)
            try world.commands.succeed("catalogue", ["purge", "--job", "given-up"])
            try world.enqueue("given-up", limit: 24)
            try world.commands.succeed("worker", TestWorld.worker)
            #expect(try world.records("jobs").first?["state"] as? String == "finished")
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)
        }
    }

    @Test func theHighLaneIsServedBeforeTheNormalOne() throws {
        try TestWorld.with("control") { world in
            // Images that take longer than the broker's next delivery: an idle worker takes what it is given.
            let large = ["--size", "1600x912"]
            try world.enqueue("normal", limit: 48, large)
            try world.enqueue("high", limit: 16, large + ["--seed", "1", "--priority", "high"])
            try world.commands.succeed("worker", TestWorld.worker + ["--batch", "4"])
            let order = try world.sql(
                """
                SELECT j.name FROM outputs o JOIN shards s ON s.id = o.shard_id JOIN jobs j ON j.id = s.job_id
                ORDER BY o.recorded_at, j.name
                """)
            #expect(order.count == 64)
            let lastHigh = try #require(order.lastIndex(of: "high"))
            // What the worker took before the first urgent hint reached it: one batch computing, one staged, one claimed.
            #expect(lastHigh < 16 + 12, "\(order)")
        }
    }

    @Test func aSecondEnqueueingKeepsThePriority() throws {
        try TestWorld.with("control") { world in
            try world.enqueue("lane", limit: 8)
            try world.enqueue("lane", limit: 16, ["--priority", "high"])
            #expect(try world.records("jobs").first?["lane"] as? String == "normal")
            try world.commands.succeed("worker", TestWorld.worker)
            #expect(try world.records("jobs").first?["state"] as? String == "finished")
        }
    }

    @Test func aSecondEnqueueingChangesWhatIsNamedAndSaysSo() throws {
        try TestWorld.with("control") { world in
            try world.enqueue("tuned", limit: 8, ["--max-attempts", "7"])
            let again = [
                "enqueue", "--job", "tuned", "--annotations", world.folder + "/example.json", "--strategy", "hard",
                "--shard-size", "8", "--size", "64x48", "--limit",
            ]
            let silent = try world.commands.run("producer", again + ["8"])
            #expect(silent.status == 0 && silent.errors.isEmpty, "\(silent.errors)")
            #expect(try world.sql("SELECT hint_size, max_attempts FROM jobs") == ["4|7"])
            let changed = try world.commands.run("producer", again + ["16", "--hint-size", "2", "--max-attempts", "9"])
            #expect(
                changed.errors
                    == "job 'tuned' has from now on: hint size 2 (4 before), max attempts 9 (7 before)\n")
            #expect(changed.output.contains("4 hints published"), "\(changed.output)")
            #expect(try world.sql("SELECT hint_size, max_attempts FROM jobs") == ["2|9"])
            try world.commands.succeed("worker", TestWorld.worker)
            #expect(try world.records("jobs").first?["state"] as? String == "finished")
        }
    }

    @Test(
        .enabled(
            if: Surroundings.variable("DETDIFFUSION_STACK") != nil, "needs a stack of ops/stack: set DETDIFFUSION_STACK"
        ))
    func everyRoleDoesItsPartWithItsOwnRights() throws {
        try TestWorld.with("control") { world in
            try world.sql("GRANT USAGE ON SCHEMA \(world.schema) TO PUBLIC")
            let producer = try commands(as: "producer", in: world)
            let worker = try commands(as: "worker", in: world)
            let reader = try commands(as: "reader", in: world)
            let example = world.folder + "/example.json"
            try producer.succeed("producer", ["example", "--out", example])
            let enqueue = [
                "enqueue", "--job", "roles", "--annotations", example, "--strategy", "easy", "--shard-size", "8",
                "--size",
                "64x48", "--limit",
            ]
            try producer.succeed("producer", enqueue + ["12"])
            try producer.succeed("producer", enqueue + ["20"])
            let failing = try worker.run("worker", TestWorld.worker, failpoints: "worker.before-finish=kill@2")
            #expect(failing.status == 128 + SIGKILL)
            try worker.succeed("worker", TestWorld.worker)
            for query in ["jobs", "shards", "tasks", "outputs", "results", "workers"] {
                try reader.succeed("catalogue", [query])
            }
            #expect(try reader.run("catalogue", ["audit"]).status == 0)
            #expect(try reader.succeed("catalogue", ["jobs", "--json"]).contains(#""state":"finished""#))
            try reader.succeed("catalogue", ["export", "coco", "--job", "roles", "--out", world.folder + "/coco"])
            let refused = try reader.run("producer", enqueue + ["30"])
            #expect(refused.status == 77, "\(refused.errors)")
        }
    }

    private func commands(as role: String, in world: TestWorld) throws -> Commands {
        let result = try RunningProcess(Surroundings.root + "/ops/stack", ["env", "--role", role]).wait()
        guard result.status == 0 else { throw ProcessFailure("ops/stack env: \(result.errors)") }
        var environment = world.commands.environment
        for line in result.output.split(separator: "\n") {
            let sides = line.dropFirst("export ".count).split(separator: "=", maxSplits: 1)
            // The shell's quotes around a URL are backslashes only.
            environment[String(sides[0])] = String(sides[1].replacing("\\", with: ""))
        }
        environment["DATABASE_URL"] = TestWorld.url(environment["DATABASE_URL"] ?? "", schema: world.schema)
        environment["DETDIFFUSION_STORE"] = world.store
        return Commands(environment: environment)
    }
}
