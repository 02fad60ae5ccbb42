// Many connections doing everything at once to one job: the account must hold at any moment, and the job must finish.

import Catalogue
import Digests
import Fixtures
import Postgres
import Tasks
import Testing

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct ConcurrencyTests {
    @Test func theAccountHoldsWhileEverybodyDoesEverything() async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 24, shardSize: 8, maximumAttempts: 100)
            let targets = try await test.catalogue.unhintedShards(job: job.id)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<6 {
                    let member = Member(
                        catalogue: try test.another(), worker: try await test.register("\(index)"), targets: targets)
                    group.addTask {
                        for step in 0..<60 { try await member.act(step * 6 + index) }
                        await member.catalogue.close()
                    }
                }
                group.addTask {
                    for _ in 0..<60 {
                        let findings = try await test.catalogue.accounts(job: job.id).flatMap(\.findings)
                        #expect(findings == [])
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await test.catalogue.accounts(job: job.id).flatMap(\.findings) == [])
        }
    }
}

/// One worker that also reaps, releases, mends and reopens, as the step's number says.
private struct Member {
    let catalogue: Catalogue
    let worker: Int64
    let targets: [HintTarget]

    func act(_ step: Int) async throws {
        let target = targets[step % targets.count]
        switch step % 11 {
        case 7: _ = try await catalogue.expireOneLease(backoff: .zero)
        case 8: _ = try await catalogue.wakeOneShard()
        case 9: try await catalogue.mend(shard: target.shard)
        case 10: try await reopen(target.shard)
        default:
            try await work(target.hint(0..<8), step)
            let pack = Hint(
                kind: .pack, job: target.job, shard: target.shard, first: 0, count: 1,
                specification: target.specification)
            try await work(pack, step)
        }
    }

    /// Claims, and then finishes, fails, gives back, or walks away from the lease.
    private func work(_ hint: Hint, _ step: Int) async throws {
        let isLost = step % 5 == 0
        let claim = try await catalogue.claim(
            hint, limit: 3, worker: worker, lease: isLost ? .zero : .seconds(600))
        guard let batch = claim.batch, !isLost else { return }
        if step % 7 == 0 {
            _ = try await catalogue.release(batch)
            return
        }
        let results = batch.items.map { item in
            let digest = SHA256.digest(of: "\(batch.shard)/\(item.number)")
            let outcome: TaskOutcome =
                switch (item.number + step) % 6 {
                case 0: .failed(reason: "test", isPermanent: false)
                default:
                    batch.kind == .pack
                        ? .archive(ArchiveRecord(path: "shards/job/job.tar", digest: digest, bytes: 1, samples: 8))
                        : .image(ImageRecord(digest: digest, bytes: 1, width: 8, height: 8))
                }
            return TaskResult(number: item.number, outcome: outcome)
        }
        _ = try await catalogue.finish(batch, results: results, worker: worker, backoff: { _ in .zero })
    }

    private func reopen(_ shard: Int64) async throws {
        guard let contents = try await catalogue.contents(ofShard: shard) else { return }
        let lost = contents.outputs.prefix(1).map { LostRecord(number: $0.number, digest: $0.digest) }
        _ = try await catalogue.reopen(contents.row, lost: lost)
    }
}
