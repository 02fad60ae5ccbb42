// Idle means: nothing that this worker can serve is open, waiting or leased.

import Catalogue
import Digests
import Fixtures
import Postgres
import Tasks
import Testing

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct IdleTests {
    private static let sketch = description(.generate, Capability(rawValue: "sketch"))
    private static let diffusion = description(.generate, Capability(rawValue: "diffusion"))
    private static let pack = description(.pack, .archive)

    private static func description(_ kind: TaskKind, _ capability: Capability) -> HandlerDescription {
        HandlerDescription(kind: kind, capability: capability, maximumBatch: 1, deviceClass: "test-1")
    }

    @Test func onlyWhatTheWorkerServesKeepsItFromLeaving() async throws {
        try await TestCatalogue.with { test in
            let catalogue = test.catalogue
            #expect(try await catalogue.isIdle(serving: [Self.sketch, Self.pack]))
            let job = try await test.enqueue("idle", tasks: 1, shardSize: 1)
            #expect(try await !catalogue.isIdle(serving: [Self.sketch]))
            #expect(try await catalogue.isIdle(serving: [Self.diffusion]))
            #expect(try await catalogue.isIdle(serving: [Self.pack]))
            let worker = try await test.register()
            let target = try #require(try await catalogue.unhintedShards(job: job.id).first)
            let claim = try await catalogue.claim(target.hint(0..<1), limit: 1, worker: worker, lease: .seconds(600))
            #expect(try await !catalogue.isIdle(serving: [Self.sketch]), "others' leases count")
            let output = ImageRecord(digest: SHA256.digest(of: "x"), bytes: 1, width: 8, height: 8)
            _ = try await catalogue.finish(
                try #require(claim.batch), results: [TaskResult(number: 0, outcome: .image(output))], worker: worker,
                backoff: { _ in .seconds(1) })
            #expect(try await catalogue.isIdle(serving: [Self.sketch]), "packing is for those who pack")
            #expect(try await !catalogue.isIdle(serving: [Self.pack]))
            _ = try await catalogue.pause(job: "idle")
            #expect(try await catalogue.isIdle(serving: [Self.pack]), "a paused job's tasks cannot be served")
        }
    }

    @Test func whatAShardAsksForIsWhatCounts() async throws {
        try await TestCatalogue.with { test in
            let catalogue = test.catalogue
            _ = try await test.enqueue("one", tasks: 1, shardSize: 1)
            // A pack task of an earlier packing, which an open shard does not ask for, and which nobody can claim.
            try await test.execute(
                "INSERT INTO tasks (shard_id, kind, number, state) SELECT id, 'pack', 0, 'open' FROM shards")
            #expect(try await catalogue.isIdle(serving: [Self.pack]))
            #expect(try await !catalogue.isIdle(serving: [Self.sketch]))
            // A generated shard asks for packing only, whatever its other tasks are.
            try await test.execute("UPDATE shards SET state = 'generated'")
            #expect(try await catalogue.isIdle(serving: [Self.sketch]))
            #expect(try await !catalogue.isIdle(serving: [Self.pack]))
        }
    }

    @Test func lookingForWorkVisitsNoTaskOfOthersAndNoneOfWhatIsOver() async throws {
        try await TestCatalogue.with { test in
            _ = try await test.enqueue("large", tasks: 2000, shardSize: 500)
            try await test.catalogue.connection.simple("ANALYZE")
            let visited = try await visits(test) { () async throws -> Void in
                #expect(try await test.catalogue.isIdle(serving: [Self.diffusion, Self.pack]))
                #expect(
                    try await test.catalogue.forgottenShards(serving: [Self.diffusion], horizon: .seconds(-1)).isEmpty)
            }
            #expect(visited == 0)
            // All done but one that is dead: nothing is left, though the shards stay open.
            try await test.execute(
                "UPDATE tasks SET state = CASE WHEN number = 0 THEN 'dead' ELSE 'done' END::task_state")
            try await test.execute("UPDATE shards SET done = 499, dead = 1")
            let over = try await visits(test) { () async throws -> Void in
                #expect(try await test.catalogue.isIdle(serving: [Self.sketch]))
                #expect(try await test.catalogue.forgottenShards(serving: [Self.sketch], horizon: .seconds(-1)).isEmpty)
            }
            #expect(over == 0)
        }
    }

    /// Task rows that were read meanwhile, as the server counts them.
    private func visits(_ test: TestCatalogue, _ body: () async throws -> Void) async throws -> Int {
        func count() async throws -> Int {
            _ = try await test.catalogue.connection.query("SELECT pg_stat_force_next_flush()")
            return try await test.number(
                """
                SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables
                WHERE relid = 'tasks'::regclass
                """)
        }
        let before = try await count()
        try await body()
        return try await count() - before
    }
}
