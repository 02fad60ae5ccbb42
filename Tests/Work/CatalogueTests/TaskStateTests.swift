// The catalogue's statements against the task life cycle as a value: every event in every state.

import Catalogue
import Digests
import Fixtures
import Postgres
import Tasks
import Testing

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct TaskStateTests {
    @Test(arguments: TaskState.allCases)
    func everyEventMovesATaskAsItsLifeCycleSays(state: TaskState) async throws {
        try await TestCatalogue.with { test in
            for (index, event) in TaskEvent.allCases.enumerated() {
                let stage = try await TaskStage(test, job: "\(state.rawValue)-\(index)", state: state)
                try await stage.apply(event)
                let expected = state.moved(by: event) ?? state
                #expect(try await stage.state() == expected, "\(state) by \(event)")
                let account = try #require(try await test.catalogue.account(shard: stage.shard))
                for (name, counter) in [
                    ("done", account.done), ("dead", account.dead), ("cancelled", account.cancelled),
                ] {
                    #expect(counter == account.count(name), "counter \(name) after \(state) by \(event)")
                }
            }
        }
    }
}

/// One job with a task in a given state, and a neighbor that stays open.
private struct TaskStage {
    let test: TestCatalogue
    let job: EnqueuedJob
    let name: String
    let shard: Int64
    let worker: Int64
    let digest: SHA256Digest
    var batch: TaskBatch

    init(_ test: TestCatalogue, job name: String, state: TaskState) async throws {
        self.test = test
        self.name = name
        job = try await test.enqueue(name, tasks: 2, shardSize: 2, maximumAttempts: 3)
        worker = try await test.register()
        let target = try #require(try await test.catalogue.unhintedShards(job: job.id).first)
        shard = target.shard
        digest = SHA256.digest(of: name)
        batch = TaskBatch(
            kind: .generate, job: .init(id: job.id, name: name, specification: "", digest: target.specification),
            shard: shard, shardNumber: 0, lease: 0, items: [.init(number: 0, epoch: 0, attempt: 0, payload: [])])
        guard state != .open else { return }
        guard state != .cancelled else {
            try await test.execute("UPDATE tasks SET state = 'cancelled' WHERE shard_id = \(shard) AND number = 0")
            try await test.execute("UPDATE shards SET cancelled = 1 WHERE id = \(shard)")
            return
        }
        let claim = try await test.catalogue.claim(target.hint(0..<1), limit: 1, worker: worker, lease: .seconds(600))
        batch = try #require(claim.batch)
        switch state {
        case .waiting: try await finish(.failed(reason: "first", isPermanent: false))
        case .dead: try await finish(.failed(reason: "first", isPermanent: true))
        case .done: try await finish(output)
        default: break
        }
    }

    private var output: TaskOutcome { .image(ImageRecord(digest: digest, bytes: 3, width: 8, height: 8)) }

    private func finish(_ outcome: TaskOutcome) async throws {
        _ = try await test.catalogue.finish(
            batch, results: [TaskResult(number: 0, outcome: outcome)], worker: worker, backoff: { _ in .seconds(600) })
    }

    func apply(_ event: TaskEvent) async throws {
        let catalogue = test.catalogue
        switch event {
        case .claimed:
            let hint = Hint(
                kind: .generate, job: job.id, shard: shard, first: 0, count: 1, specification: batch.job.digest)
            _ = try await catalogue.claim(hint, limit: 1, worker: worker, lease: .seconds(600))
        case .finished: try await finish(output)
        case .failed(let isLastAttempt): try await finish(.failed(reason: "again", isPermanent: isLastAttempt))
        case .leaseExpired(let isLastAttempt): try await expire(isLastAttempt: isLastAttempt)
        case .released: _ = try await catalogue.release(batch)
        case .due:
            try await test.execute("UPDATE tasks SET not_before = now() WHERE shard_id = \(shard) AND number = 0")
            try await test.execute("UPDATE shards SET due_at = now() WHERE id = \(shard)")
            _ = try await catalogue.wakeOneShard()
        case .retried: _ = try await catalogue.retry(job: name)
        case .resultLost:
            let row = try #require(try await catalogue.contents(ofShard: shard)?.row)
            _ = try await catalogue.reopen(row, lost: [LostRecord(number: 0, digest: digest)])
        case .jobCancelled: _ = try await catalogue.cancel(job: name)
        }
    }

    /// Lets a lease run out that names the task, whatever its state.
    private func expire(isLastAttempt: Bool) async throws {
        try await test.execute("DELETE FROM leases")
        try await test.execute(
            """
            WITH held AS (
                INSERT INTO leases (worker_id, shard_id, kind, expires_at)
                VALUES (\(worker), \(shard), 'generate', now() - interval '1 second') RETURNING id)
            UPDATE tasks SET lease_id = held.id, attempt = \(isLastAttempt ? 2 : 0) FROM held
            WHERE shard_id = \(shard) AND kind = 'generate' AND number = 0
            """)
        #expect(try await test.catalogue.expireOneLease(backoff: .seconds(600)))
    }

    func state() async throws -> TaskState? {
        let row = try await test.catalogue.tasks(CatalogueFilter(job: name)).first {
            $0.task == 0 && $0.kind == "generate"
        }
        return row.flatMap { TaskState(rawValue: $0.state) }
    }
}
