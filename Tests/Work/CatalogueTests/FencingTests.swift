// Lost answers, late workers and crowds: nothing is recorded twice, nothing is handed out twice.

import Catalogue
import Digests
import Fixtures
import Postgres
import Tasks
import Testing

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct FencingTests {
    private func output(_ text: String) -> TaskOutcome {
        .image(ImageRecord(digest: SHA256.digest(of: text), bytes: 3, width: 8, height: 8))
    }

    @Test func finishingAgainAfterALostAnswerRecordsOnce() async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 3, shardSize: 3)
            let worker = try await test.register()
            let target = try #require(try await test.catalogue.unhintedShards(job: job.id).first)
            let claim = try await test.catalogue.claim(
                target.hint(0..<3), limit: 2, worker: worker, lease: .seconds(60))
            #expect(claim.rest?.range == 2..<3)
            let batch = try #require(claim.batch)
            let results = batch.items.map { TaskResult(number: $0.number, outcome: output("\($0.number)")) }
            let reports = [
                try await test.catalogue.finish(batch, results: results, worker: worker, backoff: { _ in .zero }),
                try await test.catalogue.finish(batch, results: results, worker: worker, backoff: { _ in .zero }),
            ]
            #expect(reports[0] == reports[1] && reports[0].accepted == [0, 1])
            let account = try #require(try await test.catalogue.account(shard: target.shard))
            #expect(account.done == 2 && account.findings == [])
            #expect(try await test.catalogue.outputs().map(\.task) == [0, 1])
            #expect(try await test.number("SELECT count(*) FROM leases") == 0)
        }
    }

    @Test func aClaimThatItsWorkerDoesNotKnowIsGivenBackWithoutCharge() async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 3, shardSize: 3)
            let (worker, other) = (try await test.register(), try await test.register("other"))
            let target = try #require(try await test.catalogue.unhintedShards(job: job.id).first)
            var leases: [Int64] = []
            for (number, owner) in [(0, worker), (1, worker), (2, other)] {
                let claim = try await test.catalogue.claim(
                    target.hint(number..<number + 1), limit: 1, worker: owner, lease: .seconds(60))
                leases.append(try #require(claim.batch).lease)
            }
            let young = try await test.catalogue.releaseStrays(of: worker, except: [], olderThan: .seconds(60))
            #expect(young.isEmpty)
            let targets = try await test.catalogue.releaseStrays(of: worker, except: [leases[0]], olderThan: .zero)
            #expect(targets.map(\.range) == [1..<2])
            #expect(try await test.number("SELECT count(*) FROM leases") == 2)
            let rows = try await test.catalogue.tasks(CatalogueFilter(job: "job")).sorted { $0.task < $1.task }
            #expect(rows.map(\.state) == ["leased", "open", "leased"])
            #expect(rows.allSatisfy { $0.attempt == 0 && $0.deaths == 0 })
            #expect(try await test.catalogue.releaseStrays(of: other, except: [leases[2]], olderThan: .zero).isEmpty)
        }
    }

    @Test func noLeaseRunsOutWithinItsGraceAfterTheServersStart() async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 1, shardSize: 1)
            let worker = try await test.register()
            let target = try #require(try await test.catalogue.unhintedShards(job: job.id).first)
            _ = try await test.catalogue.claim(target.hint(0..<1), limit: 1, worker: worker, lease: .zero)
            let up = try await test.number("SELECT extract(epoch FROM now() - pg_postmaster_start_time())::bigint")
            #expect(try await !test.catalogue.expireOneLease(backoff: .zero, grace: .seconds(up + 600)))
            #expect(try await test.catalogue.expireOneLease(backoff: .zero, grace: .seconds(up - 1)))
        }
    }

    @Test func aZombieWithAnOldEpochChangesNothing() async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 1, shardSize: 1)
            let (late, next) = (try await test.register("late"), try await test.register("next"))
            let target = try #require(try await test.catalogue.unhintedShards(job: job.id).first)
            let first = try #require(
                try await test.catalogue.claim(target.hint(0..<1), limit: 1, worker: late, lease: .zero).batch)
            #expect(try await test.catalogue.expireOneLease(backoff: .zero))
            _ = try await test.catalogue.wakeOneShard()
            let second = try #require(
                try await test.catalogue.claim(target.hint(0..<1), limit: 1, worker: next, lease: .seconds(60)).batch)
            let zombie = [TaskResult(number: 0, outcome: output("zombie"))]
            let refused = try await test.catalogue.finish(first, results: zombie, worker: late, backoff: { _ in .zero })
            #expect(refused.fenced == [0] && refused.accepted == [])
            #expect(try await test.catalogue.release(first) == nil)
            #expect(try await test.catalogue.renew([first.lease], worker: late, for: .seconds(60)) == [])
            let failed = [TaskResult(number: 0, outcome: .failed(reason: "zombie", isPermanent: true))]
            #expect(
                try await test.catalogue.finish(first, results: failed, worker: late, backoff: { _ in .zero }).failed
                    == [])
            let results = [TaskResult(number: 0, outcome: output("good"))]
            let report = try await test.catalogue.finish(
                second, results: results, worker: next, backoff: { _ in .zero })
            #expect(report.accepted == [0] && report.followUp?.queue.kind == .pack)
            let outputs = try await test.catalogue.outputs()
            #expect(outputs.map(\.sha256) == [SHA256.digest(of: "good").hex])
        }
    }

    @Test func aPackerOfBeforeDoesNotPassForTheNextOne() async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 1, shardSize: 1)
            let worker = try await test.register()
            let target = try #require(try await test.catalogue.unhintedShards(job: job.id).first)
            let made = try #require(
                try await test.catalogue.claim(target.hint(0..<1), limit: 1, worker: worker, lease: .seconds(60)).batch)
            let results = [TaskResult(number: 0, outcome: output("image"))]
            let report = try await test.catalogue.finish(
                made, results: results, worker: worker, backoff: { _ in .zero })
            let packing = try #require(report.followUp).hint(0..<1)
            let late = try #require(
                try await test.catalogue.claim(packing, limit: 1, worker: worker, lease: .seconds(60)).batch)
            let row = try #require(try await test.catalogue.contents(ofShard: target.shard)?.row)
            #expect(try await test.catalogue.reopen(row, lost: []))
            let next = try #require(
                try await test.catalogue.claim(packing, limit: 1, worker: worker, lease: .seconds(60)).batch)
            #expect(next.items[0].epoch > late.items[0].epoch)
            let old = TaskOutcome.archive(
                ArchiveRecord(path: "shards/job/old.tar", digest: SHA256.digest(of: "old"), bytes: 1, samples: 1))
            let refused = try await test.catalogue.finish(
                late, results: [TaskResult(number: 0, outcome: old)], worker: worker, backoff: { _ in .zero })
            #expect(refused.fenced == [0])
            #expect(try await test.catalogue.shardRows(after: 0, limit: 10).allSatisfy { $0.state != "finished" })
        }
    }

    @Test func aTaskWithoutAPayloadDiesAloneAndSaysWhy() async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 2, shardSize: 2)
            let worker = try await test.register()
            let target = try #require(try await test.catalogue.unhintedShards(job: job.id).first)
            try await test.execute("DELETE FROM payloads WHERE number = 0")
            let claim = try await test.catalogue.claim(
                target.hint(0..<2), limit: 2, worker: worker, lease: .seconds(60))
            #expect(claim.batch?.items.map(\.number) == [1])
            let dead = try await test.catalogue.tasks(CatalogueFilter(state: "dead"))
            #expect(dead.map(\.task) == [0] && dead[0].reason?.contains("payload") == true)
            #expect(try await test.catalogue.account(shard: target.shard)?.dead == 1)
        }
    }

    @Test func anExpiredLeaseDoesNotKeepACancelledJobFromBeingPurged() async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 2, shardSize: 2)
            let worker = try await test.register()
            let target = try #require(try await test.catalogue.unhintedShards(job: job.id).first)
            _ = try await test.catalogue.claim(target.hint(0..<2), limit: 1, worker: worker, lease: .seconds(60))
            _ = try await test.catalogue.cancel(job: "job")
            await #expect(throws: CatalogueError.self) { try await test.catalogue.purge(job: "job") }
            try await test.execute("UPDATE leases SET expires_at = now() - interval '1 second'")
            try await test.catalogue.purge(job: "job")
            #expect(try await test.number("SELECT (SELECT count(*) FROM tasks) + (SELECT count(*) FROM leases)") == 0)
        }
    }

    @Test func aCrowdNeverGetsATaskTwice() async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 600, shardSize: 200)
            let targets = try await test.catalogue.unhintedShards(job: job.id)
            let all = try await withThrowingTaskGroup(of: [String].self) { group in
                for index in 0..<8 {
                    let catalogue = try test.another()
                    let worker = try await test.register("worker \(index)")
                    group.addTask {
                        var taken: [String] = []
                        for target in targets {
                            // Ranges overlap as hints do that were sent twice.
                            while let batch = try await catalogue.claim(
                                target.hint(target.range), limit: 7, worker: worker, lease: .seconds(600)
                            ).batch {
                                taken += batch.items.map { "\(batch.shard)/\($0.number)" }
                            }
                        }
                        await catalogue.close()
                        return taken
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            // A claim may find every row locked by another and go away empty; then idle workers hint what is left.
            #expect(Set(all).count == all.count)
            #expect(try await test.number("SELECT count(*) FROM tasks WHERE state = 'leased'") == all.count)
            #expect(try await test.number("SELECT count(*) FROM tasks WHERE epoch > 1") == 0)
            #expect(all.count > 300)
        }
    }
}
