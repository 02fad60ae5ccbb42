// A job after another, killed at every edge between them: nothing is lost, nothing is doubled, and no operator is needed.

import Fixtures
import Foundation
import Testing

@Suite(
    .serialized, .timeLimit(.minutes(5)),
    .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct ChainCrashTests {
    private func follower(_ world: CrashWorld, byShard: Bool) -> [String] {
        var arguments = world.enqueueArguments + ["--seed", "1", "--after", "crash"]
        if let place = arguments.firstIndex(of: "crash") { arguments[place] = "follower" }
        return arguments + (byShard ? ["--by-shard"] : [])
    }

    /// Both jobs are finished with each image once, and the follower began after what it waited for.
    private func expectBothWhole(_ world: CrashWorld, byShard: Bool) throws {
        let jobs = try world.records("jobs")
        #expect(jobs.map { $0["job"] as? String } == ["crash", "follower"])
        #expect(jobs.allSatisfy { $0["state"] as? String == "finished" && $0["done"] as? Int == CrashWorld.taskCount })
        #expect(try world.records("outputs").count == 2 * CrashWorld.taskCount)
        #expect(try Array(world.digests().prefix(CrashWorld.shardCount)) == CrashReference.digests.get())
        let audit = try world.commands.run("catalogue", ["audit"])
        #expect(audit.status == 0, "\(audit.output) \(audit.errors)")
        let early = try world.world.sql(
            """
            SELECT count(*) FROM shards s JOIN jobs j ON j.id = s.job_id JOIN shards p ON p.job_id = j.after_job
            WHERE (j.after_by = 'job' OR p.number = s.number) AND (
                SELECT min(recorded_at) FROM outputs o WHERE o.shard_id = s.id) < p.finished_at
            """)
        #expect(early == ["0"])
    }

    @Test(
        "a worker killed while it opens what follows loses nothing",
        arguments: [
            // 6 batches and 3 archives: the ninth finish is the last of the first job.
            ("postgres.before-commit.finish", 9, false), ("postgres.after-commit.finish", 9, false),
            ("worker.before-opened", 1, false), ("worker.after-opened", 1, false),
            ("worker.before-opened", 1, true), ("worker.before-opened", 2, true), ("worker.after-opened", 2, true),
        ])
    func worker(point: String, passage: Int, byShard: Bool) throws {
        try CrashWorld.with { world in
            try world.enqueue()
            try world.commands.succeed("producer", follower(world, byShard: byShard))
            try world.runDoomedWorker("\(point)=kill@\(passage)")
            try world.heal()
            try expectBothWhole(world, byShard: byShard)
        }
    }

    @Test(
        "a producer killed while it enqueues a follower leaves one that can be enqueued again",
        arguments: [
            "producer.in-copy", "postgres.before-commit.enqueue", "postgres.after-commit.enqueue",
            "producer.before-publish",
        ])
    func producer(point: String) throws {
        try CrashWorld.with { world in
            try world.enqueue()
            let killed = try world.commands.run("producer", follower(world, byShard: true), failpoints: "\(point)=kill")
            #expect(killed.status == 128 + SIGKILL)
            let again = try world.commands.succeed("producer", follower(world, byShard: true))
            #expect(again.contains("0 hints published"))
            try world.heal()
            try expectBothWhole(world, byShard: true)
        }
    }

    /// What was recorded before the first job was finished, and hinted afterwards.
    @Test func aProducerKilledBeforeItHintsAnOpenFollowerIsMadeUpForByIdleWorkers() throws {
        try CrashWorld.with { world in
            try world.enqueue()
            try world.heal()
            let killed = try world.commands.run(
                "producer", follower(world, byShard: false), failpoints: "producer.before-publish=kill")
            #expect(killed.status == 128 + SIGKILL)
            try world.heal()
            try expectBothWhole(world, byShard: false)
        }
    }
}
