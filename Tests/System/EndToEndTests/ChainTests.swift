// `enqueue --after`: what the commands say of jobs that follow jobs, and what they refuse.

import Fixtures
import Foundation
import Testing

@Suite(
    .serialized, .timeLimit(.minutes(2)),
    .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct ChainTests {
    /// A specification of this run each: hints that other tests left behind must not cut its batches.
    private func seed() -> [String] { ["--seed", "\(UInt64.random(in: 0..<1 << 53))"] }

    @Test func aChainOfThreeNeedsNoOperator() throws {
        try TestWorld.with("chains") { world in
            try world.enqueue("one", limit: 16, seed())
            try world.enqueue("two", limit: 24, seed() + ["--after", "one", "--by-shard"])
            try world.enqueue("three", limit: 8, seed() + ["--after", "two"])
            let jobs = try world.records("jobs")
            #expect(jobs.map { $0["blockedShards"] as? Int } == [0, 3, 1])
            #expect(jobs.map { $0["after"] as? String } == [nil, "one", "two"])
            #expect(jobs.map { $0["afterBy"] as? String } == [nil, "shard", "job"])
            #expect(try world.commands.succeed("catalogue", ["jobs"]).contains("one: 3 shards"))
            #expect(try world.records("shards", ["--state", "blocked"]).count == 4)
            let audit = try world.commands.run("catalogue", ["audit"])
            #expect(audit.status == 0 && audit.output.contains("job 'two': 3 shards wait for the shards of job 'one'"))
            // It leaves when it is idle: not while there is something to come.
            let worker = try world.commands.run("worker", TestWorld.worker)
            #expect(worker.status == 0, "\(worker.errors.suffix(1000))")
            #expect(try world.records("jobs").map { $0["state"] as? String } == ["finished", "finished", "finished"])
            let order = try world.sql(
                """
                SELECT bool_and(p.finished_at <= (SELECT min(recorded_at) FROM outputs o WHERE o.shard_id = s.id))
                FROM shards s JOIN jobs j ON j.id = s.job_id JOIN shards p ON p.job_id = j.after_job
                WHERE j.after_by = 'job' OR p.number = s.number OR s.number = 2
                """)
            #expect(order == ["t"])
        }
    }

    @Test func whatCannotFollowIsRefusedInOneLine() throws {
        try TestWorld.with("chains") { world in
            try world.enqueue("one", limit: 8, seed())
            try world.enqueue("two", limit: 8, ["--seed", "7", "--after", "one"])
            let annotations = world.folder + "/example.json"
            func refused(_ job: String, _ more: [String], _ status: Int32, _ says: String) throws {
                let result = try world.commands.run(
                    "producer",
                    [
                        "enqueue", "--job", job, "--annotations", annotations, "--strategy", "hard", "--limit", "8",
                        "--shard-size", "8", "--hint-size", "4", "--size", "64x48",
                    ] + more)
                #expect(result.status == status && result.errors.contains(says), "\(result.status) \(result.errors)")
                #expect(result.errors.split(separator: "\n").count == 1)
            }
            try refused("x", ["--after", "nobody"], 78, "found no job 'nobody'; enqueue that job first")
            try refused("x", ["--after", "x"], 78, "found itself")
            try refused("x", ["--by-shard"], 64, "--by-shard: expected --after JOB beside it")
            try refused("x", ["--after", "a b"], 64, "--after: expected a job's name")
            try refused(
                "two", ["--seed", "7", "--after", "one", "--by-shard"], 78, "was recorded to come after job 'one'")
            #expect(try world.records("jobs").count == 2)
            // No hint stays in the queues, which all tests share.
            try world.commands.succeed("worker", TestWorld.worker)
        }
    }

    @Test func aFollowerOfACancelledJobIsNamedWhereverSomebodyLooks() throws {
        try TestWorld.with("chains") { world in
            try world.enqueue("one", limit: 8, seed())
            try world.enqueue("two", limit: 8, seed() + ["--after", "one"])
            let cancelled = try world.commands.run("catalogue", ["cancel", "--job", "one"])
            #expect(cancelled.status == 0 && cancelled.errors.contains("job 'two' waits for it and will not begin"))
            #expect(try world.commands.succeed("catalogue", ["jobs"]).contains("one, cancelled: 1 shard"))
            #expect(
                try world.commands.succeed("catalogue", ["audit"]).contains("will never begin; cancel this job, too"))
            let purged = try world.commands.run("catalogue", ["purge", "--job", "one"])
            #expect(purged.status == 78 && purged.errors.contains("found 'two'; cancel what waits for it first"))
            let watched = try world.commands.run("catalogue", ["watch", "--job", "two", "--until", "finished"])
            #expect(watched.status == 1 && watched.output.contains("1 wait for 'one', which was cancelled"))
            // A worker has nothing to wait for.
            #expect(try world.commands.run("worker", TestWorld.worker).status == 0)
            try world.commands.succeed("catalogue", ["cancel", "--job", "two"])
            try world.commands.succeed("catalogue", ["purge", "--job", "one"])
            #expect(try world.records("jobs").map { $0["job"] as? String } == ["two"])
        }
    }
}
