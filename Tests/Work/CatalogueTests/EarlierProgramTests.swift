// Programs of version 7 of the schema beside this one: catalogues migrate under them, and what they send does no harm.

import Catalogue
import Digests
import Fixtures
import Postgres
import Tasks
import Testing

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct EarlierProgramTests {
    /// What a worker of version 7 sends for the last tasks of a shard, one after the other: done, counted, settled.
    private static func finishing(_ shard: Int64) -> [SQL] {
        [
            """
            WITH mine AS (
                UPDATE tasks t SET state = 'done', lease_id = NULL, not_before = NULL, reason = NULL
                WHERE t.shard_id = \(shard) AND t.kind = 'generate' AND t.state = 'leased' RETURNING t.number),
            moved AS (SELECT count(*)::integer AS count FROM mine),
            recorded AS (
                INSERT INTO outputs AS o (shard_id, number, sha256, bytes, width, height, epoch, worker_id, device_class,
                                          device_epoch)
                SELECT \(shard), number, sha256('x'), 1, 8, 8, 1, (SELECT min(id) FROM workers), 'old-1', 1 FROM mine)
            UPDATE shards s SET done = least(s.done + moved.count, s.tasks - s.dead - s.cancelled) FROM moved
            WHERE s.id = \(shard) AND moved.count > 0
            """, settling(shard),
        ]
    }

    /// What a program of version 7 sends for every complete shard, whoever's it is.
    private static func settling(_ shard: Int64) -> SQL {
        """
        WITH generated AS (
            UPDATE shards s SET state = 'generated', hinted_at = now() FROM jobs j
            WHERE s.id = \(shard) AND j.id = s.job_id AND s.state = 'open' AND s.cancelled = 0 AND s.done > 0
              AND s.done + s.dead = s.tasks AND s.dead <= j.allow_dead
            RETURNING s.id)
        INSERT INTO tasks AS t (shard_id, kind, number) SELECT id, 'pack', 0 FROM generated
        ON CONFLICT (shard_id, kind, number) DO UPDATE
        SET state = 'open', attempt = 0, deaths = 0, returns = 0, lease_id = NULL, not_before = NULL, reason = NULL
        """
    }

    /// What a packer of version 7 sends.
    private static func packing(_ shard: Int64) -> SQL {
        """
        WITH mine AS (
            UPDATE tasks SET state = 'done', lease_id = NULL, not_before = NULL, reason = NULL
            WHERE shard_id = \(shard) AND kind = 'pack' AND number = 0 AND epoch = 1 AND state = 'leased'
            RETURNING number)
        UPDATE shards s SET state = 'finished', tar = 'shards/job/job-000000.tar', tar_sha256 = sha256('y'),
               tar_bytes = 1, samples = 2, reason = NULL, finished_at = now()
        FROM mine WHERE s.id = \(shard) AND s.state = 'generated'
        """
    }

    /// The kinds of a shard's tasks with their states, in order.
    private static func tasks(_ test: TestCatalogue) async throws -> [String] {
        try await test.catalogue.tasks().map { "\($0.kind) \($0.task) \($0.state)" }
    }

    @Test(arguments: [
        (FollowUp?.none, "finished", ["generate 0 done", "generate 1 done"]),
        (.packing, "generated", ["generate 0 done", "generate 1 done", "pack 0 open"]),
        (
            FollowUp(kind: TaskKind(rawValue: "weigh"), capability: Capability(rawValue: "scales")), "generated",
            ["generate 0 done", "generate 1 done", "weigh 0 open"]
        ),
    ])
    func whatTheyFinishGoesOnAsItsJobSays(followUp: FollowUp?, state: String, tasks: [String]) async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 2, shardSize: 2, followUp: followUp)
            let worker = try await test.register()
            let target = try #require(try await test.catalogue.unhintedShards(job: job.id).first)
            _ = try await test.catalogue.claim(target.hint(0..<2), limit: 2, worker: worker, lease: .seconds(60))
            for statement in Self.finishing(target.shard) { try await test.execute(statement) }
            try await test.execute("DELETE FROM leases")
            // Sent again, as by whoever ends a lease there afterwards.
            try await test.execute(Self.settling(target.shard))
            #expect(try await Self.tasks(test) == tasks)
            let account = try #require(try await test.catalogue.account(shard: target.shard))
            #expect(account.state == state && account.findings == [], "\(account.findings)")
            let claimable = try await test.catalogue.claimable(job: job.id)
            #expect(claimable.map(\.queue.kind) == [followUp?.kind].compactMap { $0 })
        }
    }

    /// What a worker of version 7 sends for a shard that is due.
    private static func waking(_ shard: Int64) -> [SQL] {
        let waiting: SQL = """
            t.shard_id = \(shard) AND t.state = 'waiting'
            AND t.kind IN ('pack', (SELECT j.kind FROM jobs j JOIN shards s ON s.job_id = j.id WHERE s.id = \(shard)))
            """
        return [
            "UPDATE tasks t SET state = 'open', not_before = NULL WHERE \(sql: waiting) AND not_before <= now()",
            """
            UPDATE shards SET hinted_at = now(), due_at = (SELECT min(not_before) FROM tasks t WHERE \(sql: waiting))
            WHERE id = \(shard)
            """,
        ]
    }

    @Test func whatTheyCannotWakeIsLeftToProgramsOfNow() async throws {
        try await TestCatalogue.with { test in
            let weighing = FollowUp(kind: TaskKind(rawValue: "weigh"), capability: Capability(rawValue: "scales"))
            let job = try await test.enqueue("job", tasks: 2, shardSize: 2, followUp: weighing)
            let worker = try await test.register()
            let target = try #require(try await test.catalogue.unhintedShards(job: job.id).first)
            _ = try await test.catalogue.claim(target.hint(0..<2), limit: 2, worker: worker, lease: .seconds(60))
            for statement in Self.finishing(target.shard) { try await test.execute(statement) }
            try await test.execute("DELETE FROM leases")
            try await test.execute("UPDATE tasks SET state = 'waiting', not_before = now() WHERE kind = 'weigh'")
            try await test.execute("UPDATE shards SET due_at = now()")
            for statement in Self.waking(target.shard) { try await test.execute(statement) }
            let due =
                "SELECT count(*) FROM shards WHERE due_at > now() AND due_at <= now() + interval '1 second'" as SQL
            #expect(try await test.number(due) == 1, "found again, and not at once")
            try await test.execute("UPDATE shards SET due_at = now()")
            #expect(try await test.catalogue.wakeOneShard()?.map(\.queue.kind) == [weighing.kind])
            #expect(try await test.number("SELECT count(*) FROM shards WHERE due_at IS NULL") == 1)
        }
    }

    @Test func theirPackersFinishShards() async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 2, shardSize: 2)
            let worker = try await test.register()
            let target = try #require(try await test.catalogue.unhintedShards(job: job.id).first)
            _ = try await test.catalogue.claim(target.hint(0..<2), limit: 2, worker: worker, lease: .seconds(60))
            for statement in Self.finishing(target.shard) { try await test.execute(statement) }
            let pack = try #require(try await test.catalogue.claimable(job: job.id).first)
            _ = try await test.catalogue.claim(pack.hint(0..<1), limit: 1, worker: worker, lease: .seconds(60))
            try await test.execute(Self.packing(target.shard))
            try await test.execute("DELETE FROM leases")
            let account = try #require(try await test.catalogue.account(shard: target.shard))
            #expect(account.state == "finished" && account.findings == [], "\(account.findings)")
        }
    }

    /// Shards of every state, tasks and packing under leases: all of it goes on where it was.
    @Test func aCatalogueMigratesWithWorkInFlight() async throws {
        try await TestCatalogue.with(version: 7) { test in
            let worker = try await test.register()
            try await Self.fill(test, worker: worker)
            let since = Catalogue.migrations.filter { $0.version > 7 }.map(\.name)
            #expect(try await test.catalogue.migrate().map(\.name) == since && since.first == "kinds")
            let job = try await test.catalogue.job(named: "job")
            #expect(job.followUp == .packing)
            #expect(try await test.number("SELECT count(*) FROM jobs WHERE statistics = '{\"dropped\":3}'") == 1)
            #expect(try await test.catalogue.brokenRules().isEmpty)
            for account in try await test.catalogue.accounts(job: job.id) {
                #expect(account.findings == [], "shard \(account.number)")
            }
            let shards = try await test.catalogue.shardRows(job: job.id).map(\.id)
            func held(_ kind: TaskKind, _ numbers: Range<Int>, of shard: Int) async throws -> TaskBatch {
                TaskBatch(
                    kind: kind,
                    job: TaskBatch.Job(id: job.id, name: "job", specification: "{}", digest: SHA256.digest(of: "{}")),
                    shard: shards[shard], shardNumber: shard,
                    lease: Int64(try await test.number("SELECT id FROM leases WHERE shard_id = \(shards[shard])")),
                    items: numbers.map { TaskBatch.Item(number: $0, epoch: 1, attempt: 0, payload: []) })
            }
            let image = TaskOutcome.image(ImageRecord(digest: SHA256.digest(of: "x"), bytes: 1, width: 8, height: 8))
            let made = try await test.catalogue.finish(
                try await held(.generate, 0..<2, of: 0),
                results: (0..<2).map { TaskResult(number: $0, outcome: image) }, worker: worker, backoff: { _ in .zero }
            )
            #expect(made.accepted == [0, 1] && made.followUp?.queue.kind == .pack)
            let archive = ArchiveRecord(
                path: "shards/job/job-000001.tar", digest: SHA256.digest(of: "y"), bytes: 1, samples: 2)
            let packed = try await test.catalogue.finish(
                try await held(.pack, 0..<1, of: 1), results: [TaskResult(number: 0, outcome: .archive(archive))],
                worker: worker, backoff: { _ in .zero })
            #expect(packed.accepted == [0])
            let states = try await test.catalogue.shardRows(job: job.id).map(\.state)
            #expect(states == ["generated", "finished", "finished"])
            for account in try await test.catalogue.accounts(job: job.id) {
                #expect(account.findings == [], "shard \(account.number)")
            }
        }
    }

    /// A job of three shards: one whose tasks are under a lease, one that is being packed, one that is finished.
    private static func fill(_ test: TestCatalogue, worker: Int64) async throws {
        let statements: [SQL] = [
            """
            INSERT INTO jobs (name, kind, capability, lane, specification, specification_sha256, plan, hint_size)
            VALUES ('job', 'generate', 'sketch', 'normal', '{}', sha256('{}'), '{"dropped":3}', 2)
            """,
            """
            INSERT INTO shards (job_id, number, first_task, tasks, state, done, hinted_at, tar, tar_sha256, tar_bytes, samples,
                                finished_at)
            SELECT j.id, v.* FROM jobs j, (VALUES
                (0, 0, 2, 'open'::shard_state, 0, now(), NULL, NULL, NULL::bigint, NULL::integer, NULL::timestamptz),
                (1, 2, 2, 'generated', 2, now(), NULL, NULL, NULL, NULL, NULL),
                (2, 4, 2, 'finished', 2, now(), 'shards/job/job-000002.tar', sha256('z'), 1, 2, now())) v
            """,
            """
            INSERT INTO leases (worker_id, shard_id, kind, expires_at)
            SELECT \(worker), id, CASE number WHEN 0 THEN 'generate' ELSE 'pack' END, now() + interval '1 minute'
            FROM shards WHERE number < 2
            """,
            """
            INSERT INTO tasks (shard_id, kind, number, state, epoch, lease_id)
            SELECT s.id, 'generate', n, (CASE s.number WHEN 0 THEN 'leased' ELSE 'done' END)::task_state, 1,
                   CASE s.number WHEN 0 THEN (SELECT id FROM leases l WHERE l.shard_id = s.id) END
            FROM shards s, generate_series(0, 1) n
            UNION ALL
            SELECT s.id, 'pack', 0, (CASE s.number WHEN 1 THEN 'leased' ELSE 'done' END)::task_state, 1,
                   CASE s.number WHEN 1 THEN (SELECT id FROM leases l WHERE l.shard_id = s.id) END
            FROM shards s WHERE s.number > 0
            """,
            """
            INSERT INTO payloads (shard_id, number, image_id, sample, payload)
            SELECT s.id, n, 2 * s.number + n, 0, '{}' FROM shards s, generate_series(0, 1) n
            """,
            """
            INSERT INTO outputs (shard_id, number, sha256, bytes, width, height, epoch, worker_id)
            SELECT s.id, n, sha256('x'), 1, 8, 8, 1, \(worker) FROM shards s, generate_series(0, 1) n WHERE s.number > 0
            """,
        ]
        for statement in statements { try await test.execute(statement) }
    }
}
