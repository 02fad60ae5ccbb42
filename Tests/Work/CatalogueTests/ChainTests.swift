// Jobs that follow jobs: what is blocked, what opens it, and whom that tells.

import Digests
import Fixtures
import Foundation
import Postgres
import Tasks
import Testing

@testable import Catalogue

@Suite(
    .serialized, .enabled(if: TestCatalogue.hasServer, Comment(rawValue: TestCatalogue.serverMissing)))
struct ChainTests {
    /// The states of a job's shards, in the order of their numbers.
    private func states(of job: EnqueuedJob, in test: TestCatalogue) async throws -> [String] {
        try await test.catalogue.connection.query(
            "SELECT state::text AS state FROM shards WHERE job_id = \(job.id) ORDER BY number"
        ).map { row throws(PostgresError) in try row.string("state") }
    }

    /// Finishes shards as a program of before does, which knows nothing of followers.
    private func finish(_ numbers: [Int], of job: EnqueuedJob, in test: TestCatalogue) async throws {
        for number in numbers {
            try await test.execute(
                """
                UPDATE shards SET state = 'finished', done = tasks - dead, tar = 't', tar_sha256 = sha256('t'), finished_at = now()
                WHERE job_id = \(job.id) AND number = \(number)
                """)
        }
    }

    private func result(of item: TaskBatch.Item, in batch: TaskBatch) -> TaskResult {
        let digest = SHA256.digest(of: "x")
        return TaskResult(
            number: item.number,
            outcome: batch.kind == .pack
                ? .archive(ArchiveRecord(path: "t", digest: digest, bytes: 1, samples: 1))
                : .image(ImageRecord(digest: digest, bytes: 1, width: 8, height: 8)))
    }

    /// Does all that is claimable of a job.
    /// - Returns: what each finished batch opened.
    private func workOff(_ job: EnqueuedJob, by worker: Int64, in test: TestCatalogue) async throws -> [[HintTarget]] {
        var opened: [[HintTarget]] = []
        while true {
            let hints = try await test.catalogue.claimable(job: job.id).flatMap(\.hints)
            guard !hints.isEmpty else { return opened }
            for hint in hints {
                let claim = try await test.catalogue.claim(
                    hint, limit: hint.count, worker: worker, lease: .seconds(60))
                guard let batch = claim.batch else { continue }
                let results = batch.items.map { result(of: $0, in: batch) }
                let report = try await test.catalogue.finish(batch, results: results, worker: worker) { _ in .zero }
                if !report.opened.isEmpty { opened.append(report.opened) }
            }
        }
    }

    @Test func aJobBeginsWhenTheOtherIsFinishedAsAWhole() async throws {
        try await TestCatalogue.with { test in
            let worker = try await test.register()
            let first = try await test.enqueue("first", tasks: 6, shardSize: 2)
            let second = try await test.enqueue("second", tasks: 8, shardSize: 2, after: JobPredecessor(job: "first"))
            #expect(second.after == JobPredecessor(job: "first"))
            #expect(try await states(of: second, in: test) == Array(repeating: "blocked", count: 4))
            #expect(try await test.catalogue.unhintedShards(job: second.id).isEmpty)
            #expect(try await test.catalogue.claimable(job: second.id).isEmpty)
            let queue = WorkQueue(kind: .generate, capability: Capability(rawValue: "sketch"))
            #expect(try await test.catalogue.claimableJobs(of: queue) == [first.id])
            let wait = try #require(try await test.catalogue.wait(of: second.id))
            #expect(wait.description == "4 shards wait for job 'first'")
            let opened = try await workOff(first, by: worker, in: test)
            #expect(opened.count == 1, "only the last shard opens something")
            #expect(opened[0].map(\.range) == Array(repeating: 0..<2, count: 4))
            #expect(opened[0].allSatisfy { $0.job == second.id && $0.queue == queue && $0.jobName == "second" })
            #expect(try await states(of: second, in: test) == Array(repeating: "open", count: 4))
            #expect(try await workOff(second, by: worker, in: test).isEmpty)
            #expect(try await test.catalogue.jobs().map(\.state) == ["finished", "finished"])
        }
    }

    @Test func aShardThatNothingFollowsOpensOthersWithItsLastTask() async throws {
        try await TestCatalogue.with { test in
            let worker = try await test.register()
            let first = try await test.enqueue("first", tasks: 4, shardSize: 2)
            try await test.execute("UPDATE jobs SET follow_kind = NULL, follow_capability = NULL")
            let second = try await test.enqueue(
                "second", tasks: 4, shardSize: 2, after: JobPredecessor(job: "first", by: .shard))
            let opened = try await workOff(first, by: worker, in: test)
            #expect(opened.map { $0.map(\.range) } == [[0..<2], [0..<2]], "each shard its fellow")
            #expect(try await states(of: first, in: test) == ["finished", "finished"])
            #expect(try await states(of: second, in: test) == ["open", "open"])
        }
    }

    @Test func byShardEachShardOpensItsFellowAndTheLastAlsoWhatIsBeyond() async throws {
        try await TestCatalogue.with { test in
            let first = try await test.enqueue("first", tasks: 6, shardSize: 2)
            let second = try await test.enqueue(
                "second", tasks: 8, shardSize: 2, after: JobPredecessor(job: "first", by: .shard))
            try await finish([1], of: first, in: test)
            #expect(try await states(of: second, in: test) == ["blocked", "open", "blocked", "blocked"])
            try await finish([0], of: first, in: test)
            #expect(try await states(of: second, in: test) == ["open", "open", "blocked", "blocked"])
            try await finish([2], of: first, in: test)
            #expect(try await states(of: second, in: test) == ["open", "open", "open", "open"])
        }
    }

    @Test func whatIsFinishedAlreadyIsWaitedForNoMore() async throws {
        try await TestCatalogue.with { test in
            let first = try await test.enqueue("first", tasks: 4, shardSize: 2)
            try await finish([1], of: first, in: test)
            let second = try await test.enqueue(
                "second", tasks: 4, shardSize: 2, after: JobPredecessor(job: "first", by: .shard))
            #expect(try await states(of: second, in: test) == ["blocked", "open"])
            try await finish([0], of: first, in: test)
            let third = try await test.enqueue("third", tasks: 4, shardSize: 2, after: JobPredecessor(job: "first"))
            #expect(try await states(of: third, in: test) == ["open", "open"])
            #expect(try await test.catalogue.unhintedShards(job: third.id).count == 2, "the producer hints them")
        }
    }

    /// What was opened stays open; what is added later waits for what the other job has by then.
    @Test func bothJobsMayGrow() async throws {
        try await TestCatalogue.with { test in
            let after = JobPredecessor(job: "first")
            let first = try await test.enqueue("first", tasks: 2, shardSize: 2)
            let second = try await test.enqueue("second", tasks: 2, shardSize: 2, after: after)
            try await finish([0], of: first, in: test)
            _ = try await test.enqueue("first", tasks: 4, shardSize: 2)
            #expect(try await states(of: second, in: test) == ["open"])
            // Whether --after is said again or not.
            _ = try await test.enqueue("second", tasks: 4, shardSize: 2, after: after)
            let extended = try await test.enqueue("second", tasks: 6, shardSize: 2)
            #expect(extended.after == after)
            #expect(try await states(of: second, in: test) == ["open", "blocked", "blocked"])
            try await finish([1], of: first, in: test)
            #expect(try await states(of: second, in: test) == ["open", "open", "open"])
        }
    }

    @Test func whatNothingCanFollowIsRefused() async throws {
        try await TestCatalogue.with { test in
            _ = try await test.enqueue("a", tasks: 2, shardSize: 2)
            _ = try await test.enqueue("b", tasks: 2, shardSize: 2, after: JobPredecessor(job: "a"))
            _ = try await test.enqueue("c", tasks: 2, shardSize: 2, after: JobPredecessor(job: "b", by: .shard))
            _ = try await test.enqueue("gone", tasks: 2, shardSize: 2)
            _ = try await test.catalogue.cancel(job: "gone")
            let refusals: [(String, JobPredecessor, String)] = [
                ("d", JobPredecessor(job: "nobody"), "found no job 'nobody'"),
                ("d", JobPredecessor(job: "d"), "found itself"),
                ("d", JobPredecessor(job: "gone"), "was cancelled"),
                ("a", JobPredecessor(job: "c"), "found a circle: a after c after b after a"),
                ("c", JobPredecessor(job: "b"), "was recorded to come after the shards of job 'b'"),
                ("b", JobPredecessor(job: "gone"), "was cancelled"),
                ("a", JobPredecessor(job: "a"), "found itself"),
            ]
            for (name, after, says) in refusals {
                let error = await #expect(throws: CatalogueError.self) {
                    try await test.enqueue(name, tasks: 2, shardSize: 2, after: after)
                }
                #expect(
                    error?.code == .refused && error?.description.contains(says) == true, "\(String(describing: error))"
                )
            }
            #expect(try await test.catalogue.jobs().map(\.job) == ["a", "b", "c", "gone"])
        }
    }

    @Test func aFollowerOfACancelledJobWaitsInVainAndIsTold() async throws {
        try await TestCatalogue.with { test in
            let first = try await test.enqueue("first", tasks: 4, shardSize: 2)
            let second = try await test.enqueue("second", tasks: 4, shardSize: 2, after: JobPredecessor(job: "first"))
            try await finish([0], of: first, in: test)
            _ = try await test.catalogue.cancel(job: "first")
            #expect(try await test.catalogue.waitingJobs(for: first.id) == ["second"])
            #expect(try await test.catalogue.wait(of: second.id)?.isInVain == true)
            let error = await #expect(throws: CatalogueError.self) { try await test.catalogue.purge(job: "first") }
            #expect(error?.description.contains("found 'second'") == true)
            _ = try await test.catalogue.cancel(job: "second")
            #expect(try await states(of: second, in: test) == ["cancelled", "cancelled"])
            #expect(try await test.catalogue.accounts(job: second.id).allSatisfy { $0.findings.isEmpty })
            try await test.catalogue.purge(job: "first")
            #expect(try await test.catalogue.jobs().map(\.after) == [nil])
        }
    }

    @Test func aWorkerIsNotIdleWhileWhatItServesMayStillBeOpened() async throws {
        try await TestCatalogue.with { test in
            let first = try await test.enqueue("first", tasks: 2, shardSize: 2)
            let second = try await test.enqueue("second", tasks: 2, shardSize: 2, after: JobPredecessor(job: "first"))
            _ = try await test.enqueue("third", tasks: 2, shardSize: 2, after: JobPredecessor(job: "second"))
            try await test.execute("UPDATE jobs SET capability = 'other' WHERE id = \(first.id)")
            let serving = [
                HandlerDescription(
                    kind: .generate, capability: Capability(rawValue: "sketch"), maximumBatch: 1, deviceClass: "x")
            ]
            #expect(try await !test.catalogue.isIdle(serving: serving))
            _ = try await test.catalogue.pause(job: "first")
            #expect(try await test.catalogue.isIdle(serving: serving))
            _ = try await test.catalogue.resume(job: "first")
            try await test.execute(
                "UPDATE tasks SET state = 'dead' FROM shards s WHERE s.id = shard_id AND s.job_id = \(first.id)")
            try await test.execute("UPDATE shards SET dead = tasks WHERE job_id = \(first.id)")
            #expect(try await test.catalogue.isIdle(serving: serving), "nobody can go on with what is dead")
            try await finish([0], of: first, in: test)
            try await finish([0], of: second, in: test)
            #expect(try await !test.catalogue.isIdle(serving: serving))
        }
    }

    @Test func aShardThatWasNotOpenedIsFoundAndOpened() async throws {
        try await TestCatalogue.with { test in
            let first = try await test.enqueue("first", tasks: 4, shardSize: 2)
            let second = try await test.enqueue(
                "second", tasks: 4, shardSize: 2, after: JobPredecessor(job: "first", by: .shard))
            #expect(try await test.catalogue.accounts(job: second.id).allSatisfy { $0.findings.isEmpty })
            try await test.execute("ALTER TABLE shards DISABLE TRIGGER open_followers")
            try await finish([0], of: first, in: test)
            let accounts = try await test.catalogue.accounts(job: second.id)
            #expect(accounts.map(\.isMissed) == [true, false])
            #expect(accounts[0].findings.map(\.expected) == ["open, since what it waits for is finished"])
            for account in accounts { try await test.catalogue.mend(shard: account.id) }
            #expect(try await states(of: second, in: test) == ["open", "blocked"])
        }
    }

    /// Whoever is slow, one of the two that finish the last shards sees that they are the last.
    @Test func twoLastShardsThatFinishAtOnceOpenTheFollower() async throws {
        try await TestCatalogue.with { test in
            for round in 0..<20 {
                let first = try await test.enqueue("first-\(round)", tasks: 4, shardSize: 1)
                let second = try await test.enqueue(
                    "second-\(round)", tasks: 2, shardSize: 1, after: JobPredecessor(job: "first-\(round)"))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<4 {
                        group.addTask {
                            let other = try test.another()
                            _ = try await other.connection.execute(
                                """
                                UPDATE shards SET state = 'finished', done = 1, tar = 't', tar_sha256 = sha256('t'),
                                       finished_at = now()
                                WHERE job_id = \(first.id) AND number = \(number)
                                """)
                            await other.close()
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await states(of: second, in: test) == ["open", "open"])
            }
        }
    }

    /// A follower that is recorded while the last shard finishes waits for its COMMIT, or is seen by it.
    @Test func aFollowerThatIsRecordedMeanwhileIsNotForgotten() async throws {
        try await TestCatalogue.with { test in
            for round in 0..<20 {
                let first = try await test.enqueue("first-\(round)", tasks: 1, shardSize: 1)
                let other = try test.another()
                async let finished: Int = other.connection.execute(
                    """
                    UPDATE shards SET state = 'finished', done = 1, tar = 't', tar_sha256 = sha256('t'), finished_at = now()
                    WHERE job_id = \(first.id)
                    """)
                let second = try await test.enqueue(
                    "second-\(round)", tasks: 2, shardSize: 1, after: JobPredecessor(job: "first-\(round)"))
                #expect(try await finished == 1)
                await other.close()
                #expect(try await states(of: second, in: test) == ["open", "open"])
            }
        }
    }

    /// The whole of COCO's validation set under both forms of waiting: opening adds at most a second.
    @Test(.timeLimit(.minutes(2)))
    func opening47429TasksTakesAtMostASecond() async throws {
        try await TestCatalogue.with { test in
            let first = try await test.enqueue("first", tasks: 2, shardSize: 1)
            let second = try await test.enqueue(
                "second", tasks: 47_429, shardSize: 500, after: JobPredecessor(job: "first"))
            try await finish([0], of: first, in: test)
            let clock = ContinuousClock()
            let begin = clock.now
            let opened = try await test.catalogue.transaction("finish") { connection in
                _ = try connection.execute(
                    """
                    UPDATE shards SET state = 'finished', done = 1, tar = 't', tar_sha256 = sha256('t'), finished_at = now()
                    WHERE job_id = \(first.id) AND number = 1
                    """)
                return try Catalogue.opened(after: first.id, on: connection)
            }
            let time = begin.duration(to: clock.now)
            #expect(opened.count == 95 && opened.reduce(0) { $0 + $1.range.count } == 47_429)
            #expect(try await states(of: second, in: test).allSatisfy { $0 == "open" })
            #expect(time < .seconds(1), "8 ms on an idle machine")
        }
    }
}
