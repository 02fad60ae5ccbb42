// Claims that begin with a job: who competes, and what is claimed.

import Fixtures
import Postgres
import Tasks
import Testing

@testable import Catalogue

@Suite(
    .serialized, .enabled(if: TestCatalogue.hasServer, Comment(rawValue: TestCatalogue.serverMissing)))
struct TurnTests {
    private static let queue = WorkQueue(kind: .generate, capability: Capability(rawValue: "sketch"))

    private func claim(
        _ job: EnqueuedJob, _ test: TestCatalogue, limit: Int = 4, by worker: Int64, on catalogue: Catalogue? = nil
    ) async throws -> TaskBatch? {
        try await (catalogue ?? test.catalogue).claim(
            ofJob: job.id, in: Self.queue, limit: limit, worker: worker, lease: .seconds(60))
    }

    private func finish(_ batch: TaskBatch, _ test: TestCatalogue, by worker: Int64) async throws {
        let results = batch.items.map {
            TaskResult(
                number: $0.number,
                outcome: .image(.init(digest: batch.job.digest, bytes: 1, width: 8, height: 8)))
        }
        _ = try await test.catalogue.finish(batch, results: results, worker: worker) { _ in .zero }
    }

    @Test func jobsCompeteWhileTheyHaveWorkForTheQueue() async throws {
        try await TestCatalogue.with { test in
            let worker = try await test.register()
            #expect(try await test.catalogue.claimableJobs(of: Self.queue).isEmpty)
            let jobs = try await [
                test.enqueue("a", tasks: 4, shardSize: 4), test.enqueue("b", tasks: 4, shardSize: 4),
                test.enqueue("paused", tasks: 4, shardSize: 4), test.enqueue("cancelled", tasks: 4, shardSize: 4),
                test.enqueue("done", tasks: 4, shardSize: 4),
                test.enqueue("urgent", tasks: 4, shardSize: 4, lane: .high),
            ]
            _ = try await test.catalogue.pause(job: "paused")
            _ = try await test.catalogue.cancel(job: "cancelled")
            try await finish(try #require(try await claim(jobs[4], test, by: worker)), test, by: worker)
            #expect(try await test.catalogue.claimableJobs(of: Self.queue) == [jobs[0].id, jobs[1].id])
            #expect(try await test.catalogue.claimableJobs(of: Self.queue, limit: 1) == [jobs[0].id])
            var other = Self.queue
            other.lane = .high
            #expect(try await test.catalogue.claimableJobs(of: other) == [jobs[5].id])
            other.capability = Capability(rawValue: "blank")
            #expect(try await test.catalogue.claimableJobs(of: other).isEmpty)
            for job in jobs[2...4] { #expect(try await claim(job, test, by: worker) == nil) }
        }
    }

    @Test func aJobIsClaimedFromItsFirstOpenTaskOnAcrossItsShards() async throws {
        try await TestCatalogue.with { test in
            let worker = try await test.register()
            let job = try await test.enqueue("j", tasks: 10, shardSize: 6)
            var claimed: [[Int]] = []
            while let batch = try await claim(job, test, by: worker) {
                #expect(
                    batch.items.allSatisfy { $0.payload == Array("task \(batch.shardNumber * 6 + $0.number)".utf8) })
                claimed.append(batch.items.map { batch.shardNumber * 6 + $0.number })
            }
            #expect(claimed == [[0, 1, 2, 3], [4, 5], [6, 7, 8, 9]])
            // The shard is not accounted for yet, so the job still competes; whoever finds nothing drops it.
            #expect(try await test.catalogue.claimableJobs(of: Self.queue) == [job.id])
        }
    }

    @Test func tasksWhoseWorkerDiedTooOftenAreClaimedOneByOne() async throws {
        try await TestCatalogue.with { test in
            let worker = try await test.register()
            let job = try await test.enqueue("j", tasks: 4, shardSize: 4)
            try await test.execute("UPDATE tasks SET deaths = 2 WHERE number < 2")
            var claimed: [[Int]] = []
            while let batch = try await claim(job, test, by: worker) { claimed.append(batch.items.map(\.number)) }
            #expect(claimed == [[2, 3], [0], [1]])
        }
    }

    @Test func whoAsksAtOnceGetsOtherTasks() async throws {
        try await TestCatalogue.with { test in
            let worker = try await test.register()
            let job = try await test.enqueue("j", tasks: 120, shardSize: 30)
            let claimed = try await withThrowingTaskGroup(of: [Int].self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let catalogue = try test.another()
                        var mine: [Int] = []
                        while let batch = try await claim(job, test, by: worker, on: catalogue) {
                            mine += batch.items.map { batch.shardNumber * 30 + $0.number }
                        }
                        await catalogue.close()
                        return mine
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(claimed.sorted() == Array(0..<120))
        }
    }

    /// Thousands of finished jobs must not be read to find two that compete.
    @Test func finishedJobsCostNothing() async throws {
        try await TestCatalogue.with { test in
            let first = try await test.enqueue("first", tasks: 1, shardSize: 1)
            try await test.execute(
                """
                WITH added AS (
                    INSERT INTO jobs (name, kind, capability, lane, specification, specification_sha256, hint_size)
                    SELECT 'old-' || n, 'generate', 'sketch', 'normal', '{}', sha256(n::text::bytea), 1
                    FROM generate_series(1, 3000) n RETURNING id)
                INSERT INTO shards (job_id, number, first_task, tasks, done, state, tar, tar_sha256, finished_at)
                SELECT id, 0, 0, 1, 1, 'finished', 't', sha256('t'), now() FROM added
                """)
            let last = try await test.enqueue("last", tasks: 1, shardSize: 1)
            try await test.execute("ANALYZE")
            let reads: SQL =
                "SELECT idx_tup_fetch::bigint + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'jobs'"
            let connection = test.catalogue.connection
            let (jobs, read) = try await connection.transaction(label: "test") { connection in
                _ = try connection.execute("SET LOCAL enable_seqscan = off")
                let before = try connection.query(reads)[0][0, as: Int.self]
                let jobs = try Catalogue.claimableJobs(of: Self.queue, limit: 100, on: connection)
                return (jobs, try connection.query(reads)[0][0, as: Int.self] - before)
            }
            #expect(jobs == [first.id, last.id] && read <= 10, "read \(read) rows of jobs")
        }
    }
}
