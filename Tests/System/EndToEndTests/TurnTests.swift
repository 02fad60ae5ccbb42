// Fair shares: a small job beside a large one of the same priority begins at its first turn and gets its share.
//
// Workers are stopped at a failpoint while a job is enqueued, so that what comes next does not depend on the machine. The
// order of work is the order in which the catalogue recorded it: a worker records its batches in the order of its claims.

import Fixtures
import Foundation
import Testing

@Suite(
    .serialized, .timeLimit(.minutes(2)),
    .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct TurnTests {
    private static let batch = 4

    /// One recorded batch.
    private struct Turn: Hashable {
        var job: String
        var worker: String
    }

    /// A world whose queues are empty: a hint that another test left behind would count as a claim at the failpoint.
    private func withWorld(_ body: (TestWorld) throws -> Void) throws {
        try TestWorld.with("turns") { world in
            try world.commands.succeed("worker", TestWorld.worker + ["--generator", "blank"])
            try body(world)
        }
    }

    private func enqueue(_ job: String, images: Int, samples: Int, in world: TestWorld, _ more: [String] = []) throws {
        // A specification of this run: hints that other tests left behind must not cut its batches.
        try world.enqueue(
            job, limit: images,
            [
                "--generator", "blank", "--samples", "\(samples)", "--seed", "\(UInt64.random(in: 0..<1 << 53))",
            ] + more)
    }

    /// Starts a worker whose batches take 0.2 s, and waits until it has claimed some of them and stands still.
    private func stoppedWorker(_ name: String, in world: TestWorld) throws -> RunningProcess {
        let worker = try world.commands.start(
            "worker",
            TestWorld.worker + [
                "--generator", "blank", "--blank-delay", "50", "--batch", "\(Self.batch)", "--no-pack", "--name", name,
                "--lease", "30",
            ], failpoints: "worker.after-acknowledge=stop@5")
        try world.wait(for: "the fifth claim of \(name)") { try worker.isStopped }
        return worker
    }

    /// What was recorded, batch by batch.
    private func turns(in world: TestWorld) throws -> [Turn] {
        try world.sql(
            """
            SELECT j.name, w.name FROM outputs o JOIN shards s ON s.id = o.shard_id JOIN jobs j ON j.id = s.job_id
            JOIN workers w ON w.id = o.worker_id GROUP BY j.name, w.name, o.recorded_at, o.shard_id ORDER BY o.recorded_at
            """
        ).map { line in
            let fields = line.split(separator: "|").map(String.init)
            return Turn(job: fields[0], worker: fields[1])
        }
    }

    /// Batches of a job that were claimed so far.
    private func claimed(_ job: String, in world: TestWorld) throws -> Int {
        let tasks = try world.sql(
            """
            SELECT count(*) FROM tasks t JOIN shards s ON s.id = t.shard_id JOIN jobs j ON j.id = s.job_id
            WHERE j.name = '\(job)' AND t.epoch > 0
            """)
        return (Int(tasks[0]) ?? 0) / Self.batch
    }

    private func waitUntilDone(_ job: String, in world: TestWorld) throws {
        try world.wait(for: "the last image of \(job)") {
            try world.sql("SELECT done = tasks FROM job_progress WHERE job = '\(job)'") == ["t"]
        }
    }

    private func end(_ workers: [RunningProcess]) throws {
        for worker in workers { worker.send(SIGKILL) }
        for worker in workers { _ = try worker.wait() }
    }

    @Test func aSmallJobBeginsAtOnceAndGetsHalf() throws {
        try withWorld { world in
            try enqueue("large", images: 20, samples: 40, in: world)
            let worker = try stoppedWorker("one", in: world)
            let before = try claimed("large", in: world)
            try enqueue("small", images: 10, samples: 2, in: world)
            worker.send(SIGCONT)
            try waitUntilDone("small", in: world)
            try end([worker])
            // What was computed and staged when the small job came goes first; then the two take turns.
            let jobs = try turns(in: world).map(\.job)
            let expected =
                Array(repeating: "large", count: before) + (0..<5).flatMap { $0 == 0 ? ["small"] : ["large", "small"] }
            #expect(Array(jobs.prefix(expected.count)) == expected)
            #expect(try world.sql("SELECT done < 100 FROM job_progress WHERE job = 'large'") == ["t"])
            #expect(try world.commands.run("catalogue", ["audit"]).output.contains("lost 0, doubled 0"))
        }
    }

    @Test func threeJobsGetAThirdEachAndUrgentWorkGoesBeforeThem() throws {
        try withWorld { world in
            try enqueue("large", images: 20, samples: 40, in: world)
            let worker = try stoppedWorker("one", in: world)
            let before = try claimed("large", in: world)
            try enqueue("second", images: 10, samples: 2, in: world)
            try enqueue("third", images: 10, samples: 2, in: world)
            try enqueue("urgent", images: 8, samples: 1, in: world, ["--priority", "high"])
            worker.send(SIGCONT)
            for job in ["second", "third"] { try waitUntilDone(job, in: world) }
            try end([worker])
            let jobs = Array(try turns(in: world).map(\.job).dropFirst(before))
            // The hint of the urgent job is on its way to the worker while it goes on, which may claim once before it comes.
            let urgent = jobs.indices.filter { jobs[$0] == "urgent" }
            #expect(urgent == [0, 1] || urgent == [1, 2], "\(jobs)")
            let rounds = Array(jobs.filter { $0 != "urgent" }.prefix(14))
            for first in stride(from: 0, to: 12, by: 3) {
                #expect(Set(rounds[first..<(first + 3)]) == ["large", "second", "third"], "\(rounds)")
            }
        }
    }

    @Test func twoWorkersEachTakeTurns() throws {
        try withWorld { world in
            try enqueue("large", images: 20, samples: 40, in: world)
            let workers = try ["one", "two"].map { try stoppedWorker($0, in: world) }
            let before = try claimed("large", in: world)
            try enqueue("small", images: 10, samples: 4, in: world)
            for worker in workers { worker.send(SIGCONT) }
            try waitUntilDone("small", in: world)
            try end(workers)
            let turns = try turns(in: world)
            #expect(before == 10)
            for worker in ["one", "two"] {
                let all = turns.filter { $0.worker == worker }.map(\.job)
                #expect(all.prefix(before / 2).allSatisfy { $0 == "large" }, "\(all)")
                let own = all.dropFirst(before / 2)
                let shared = own.prefix((own.lastIndex(of: "small") ?? 0) + 1)
                #expect(shared.count >= 3)
                #expect(shared.enumerated().allSatisfy { $1 == ($0.isMultiple(of: 2) ? "small" : "large") }, "\(own)")
            }
        }
    }

    @Test func aPausedJobHasNoTurn() throws {
        try withWorld { world in
            try enqueue("large", images: 20, samples: 40, in: world)
            let worker = try stoppedWorker("one", in: world)
            let before = try claimed("large", in: world)
            try enqueue("resting", images: 10, samples: 2, in: world)
            try world.commands.succeed("catalogue", ["pause", "--job", "resting"])
            worker.send(SIGCONT)
            try world.wait(for: "five more batches") { try turns(in: world).count >= before + 5 }
            try end([worker])
            #expect(try turns(in: world).allSatisfy { $0.job == "large" })
        }
    }

    /// The delivery in hand is of another job than the claim.
    @Test(arguments: ["worker.before-turn", "worker.after-turn", "postgres.before-commit.claim"])
    func aWorkerKilledInAnothersTurnLosesNothing(failpoint: String) throws {
        try withWorld { world in
            for job in ["first", "second"] { try enqueue(job, images: 8, samples: 2, in: world) }
            let arguments = TestWorld.worker + ["--generator", "blank", "--batch", "\(Self.batch)"]
            let doomed = try world.commands.run("worker", arguments, failpoints: "\(failpoint)=kill@2")
            #expect(doomed.status == 128 + SIGKILL, "\(doomed.errors.suffix(1000))")
            try world.commands.succeed("worker", arguments)
            #expect(try world.records("jobs").allSatisfy { $0["state"] as? String == "finished" })
            let audit = try world.commands.run("catalogue", ["audit"])
            #expect(audit.status == 0, "\(audit.output)")
        }
    }
}
