// Rows that cannot be: new ones are refused, those of before hide no work, end no call, and are named.

import Catalogue
import Digests
import Fixtures
import Foundation
import Postgres
import Tasks
import Testing

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct RowTests {
    private static let sketch = HandlerDescription(
        kind: .generate, capability: Capability(rawValue: "sketch"), maximumBatch: 4, deviceClass: "test-1")

    /// A job of one shard with four tasks, and its only target.
    private func job(in test: TestCatalogue) async throws -> HintTarget {
        let job = try await test.enqueue("job", tasks: 4, shardSize: 4)
        return try #require(try await test.catalogue.unhintedShards(job: job.id).first)
    }

    @Test(arguments: [
        ("UPDATE tasks SET number = 2147483647 WHERE number = 3", "tasks_number_range"),
        ("UPDATE tasks SET number = -7 WHERE number = 3", "tasks_number_range"),
        ("UPDATE tasks SET epoch = 2147483647", "tasks_epoch_range"),
        ("UPDATE tasks SET epoch = -1", "tasks_epoch_range"),
        ("UPDATE tasks SET attempt = -1", "tasks_tries_range"),
        ("UPDATE tasks SET kind = 'a\"b'", "tasks_kind_range"),
        ("UPDATE tasks SET not_before = now() + interval '1 day'", "tasks_wait_range"),
        ("UPDATE tasks SET not_before = 'infinity'", "tasks_wait_range"),
        ("UPDATE payloads SET number = -7 WHERE number = 3", "payloads_number_range"),
        ("UPDATE payloads SET sample = -1", "payloads_number_range"),
        ("UPDATE shards SET hinted_at = now() + interval '1 day'", "shards_time_range"),
        ("UPDATE shards SET due_at = 'infinity'", "shards_time_range"),
        ("UPDATE shards SET created_at = now() + interval '1 day'", "shards_time_range"),
        ("UPDATE shards SET tasks = 2147483647", "shards_tasks_range"),
        ("UPDATE shards SET first_task = 4611686018427387904", "shards_tasks_range"),
        ("UPDATE shards SET number = 2147483647", "shards_number_range"),
        ("UPDATE shards SET tar_bytes = -8", "shards_archive_range"),
        ("UPDATE jobs SET hint_size = 2147483647", "jobs_hint_size_range"),
        ("UPDATE jobs SET kind = 'x y'", "jobs_kind_range"),
        ("UPDATE jobs SET capability = '../x'", "jobs_capability_range"),
        ("UPDATE jobs SET specification = repeat('x', 1048577)", "jobs_text_range"),
        ("UPDATE workers SET seen_at = '-infinity'", "workers_range"),
        (
            "INSERT INTO leases (worker_id, shard_id, kind, expires_at) SELECT id, 1, 'generate', now() + interval '1 day' FROM workers",
            "leases_time_range"
        ),
        (
            "INSERT INTO outputs (shard_id, number, sha256, bytes, width, height, epoch, worker_id) SELECT 1, 0, sha256('x'), 1, 0, 8, 1, id FROM workers",
            "outputs_size_range"
        ),
    ])
    func theSchemaRefusesWhatNoProgramWrites(statement: String, constraint: String) async throws {
        try await TestCatalogue.with { test in
            _ = try await job(in: test)
            _ = try await test.register()
            let error = await #expect(throws: PostgresError.self) { try await test.execute(SQL(unsafeRaw: statement)) }
            #expect(error?.code == .constraint(constraint), "\(String(describing: error))")
            #expect(try await test.catalogue.brokenRules().isEmpty)
        }
    }

    @Test func aScheduleOfTomorrowHidesNoWork() async throws {
        try await TestCatalogue.with { test in
            let target = try await job(in: test)
            let worker = try await test.register()
            for table in ["shards", "leases", "tasks"] { try await test.withoutRules(table) }
            try await test.execute("UPDATE shards SET hinted_at = now() + interval '1 day', due_at = 'infinity'")
            // Whatever else changes in the row, its old times are not held against it.
            try await test.execute("ALTER TABLE shards ENABLE TRIGGER USER")
            #expect(try await test.catalogue.wakeOneShard() == [])
            try await test.execute("ALTER TABLE shards DISABLE TRIGGER USER")
            try await test.execute("UPDATE shards SET hinted_at = now() + interval '1 day'")
            let horizon = Duration.seconds(3600)
            let hinted = try await test.catalogue.forgottenShards(serving: [Self.sketch], horizon: horizon)
            #expect(hinted.map(\.range) == [0..<4])
            #expect(try await test.catalogue.forgottenShards(serving: [Self.sketch], horizon: horizon).isEmpty)

            _ = try await test.catalogue.claim(target.hint(0..<4), limit: 4, worker: worker, lease: .seconds(60))
            #expect(try await !test.catalogue.expireOneLease(backoff: .zero))
            try await test.execute("UPDATE leases SET expires_at = 'infinity'")
            #expect(try await test.catalogue.expireOneLease(backoff: .zero))
            #expect(try await test.number("SELECT count(*) FROM leases") == 0)

            try await test.execute("UPDATE tasks SET not_before = now() + interval '1 day'")
            try await test.execute("UPDATE shards SET due_at = now() + interval '1 day'")
            let woken = try #require(try await test.catalogue.wakeOneShard())
            #expect(woken.map(\.range) == [0..<4])
            #expect(try await test.catalogue.wakeOneShard() == nil)
        }
    }

    @Test func aLeaseIsNeverLongerThanAnyWorkersMayBe() async throws {
        try await TestCatalogue.with { test in
            let target = try await job(in: test)
            let worker = try await test.register()
            let claim = try await test.catalogue.claim(
                target.hint(0..<4), limit: 4, worker: worker, lease: .seconds(1_000_000))
            let lease = try #require(claim.batch).lease
            #expect(try await test.catalogue.renew([lease], worker: worker, for: .seconds(1_000_000)) == [lease])
            #expect(
                try await test.number("SELECT count(*) FROM leases WHERE expires_at > now() + interval '1 hour'") == 0)
            #expect(try await !test.catalogue.expireOneLease(backoff: .zero))
        }
    }

    /// Rows beside good ones, and what must not happen: an overflow, millions of hints, a claim of what has no number.
    @Test func rowsOfBeforeTheRulesAreLeftAloneAndTheOthersAreDone() async throws {
        try await TestCatalogue.with { test in
            let target = try await job(in: test)
            let worker = try await test.register()
            for table in ["tasks", "payloads", "shards", "leases"] { try await test.withoutRules(table) }
            try await test.execute(
                """
                INSERT INTO tasks (shard_id, kind, number, epoch)
                VALUES (\(target.shard), 'generate', 2147483647, 0), (\(target.shard), 'generate', -7, 0),
                       (\(target.shard), 'generate', 900, 0), (\(target.shard), 'a"b', 0, 0)
                """)
            try await test.execute("UPDATE tasks SET epoch = 2147483647 WHERE number = 3")
            try await test.execute(
                """
                INSERT INTO shards (job_id, number, first_task, tasks)
                VALUES (\(target.job), 2147483647, 4611686018427387904, 2147483647)
                """)
            // As the schema has it: held against new rows only.
            try await restoreRules(of: test)
            let catalogue = test.catalogue
            #expect(try await catalogue.claimable(job: target.job).map(\.range) == [0..<3])
            let hinted = try await catalogue.forgottenShards(serving: [Self.sketch], horizon: .seconds(-1))
            #expect(hinted.map(\.range) == [0..<3])
            let wide = target.hint(0..<1_000_000)
            let claim = try await catalogue.claim(wide, limit: 1000, worker: worker, lease: .seconds(60))
            let batch = try #require(claim.batch)
            #expect(batch.items.map(\.number) == [0, 1, 2] && claim.rest == nil)
            _ = try await catalogue.release(batch, hasBegun: true)
            #expect(try await catalogue.tasks().filter { $0.returns == 1 }.map(\.task) == [0, 1, 2])
            let again = try #require(
                try await catalogue.claim(wide, limit: 1000, worker: worker, lease: .seconds(60)).batch)
            let results = again.items.map {
                TaskResult(
                    number: $0.number,
                    outcome: .image(
                        ImageRecord(digest: SHA256.digest(of: "\($0)"), bytes: 1, width: 8, height: 8)))
            }
            let report = try await catalogue.finish(again, results: results, worker: worker, backoff: { _ in .zero })
            #expect(report.accepted == [0, 1, 2])
            #expect(try await catalogue.isIdle(serving: [Self.sketch]), "nothing is left that a worker could do")
            let accounts = try await catalogue.accounts(job: target.job)
            #expect(accounts.map(\.number) == [0, 2_147_483_647])
            #expect(accounts[0].strays == 4 && accounts[0].oddTasks == 1 && !accounts[1].isSound)
            #expect(accounts[1].findings.contains { $0.what == "shard row" && !$0.canMend })
            let broken = try await catalogue.brokenRules()
            #expect(
                broken.map(\.constraint) == [
                    "shards_number_range", "shards_tasks_range", "tasks_epoch_range", "tasks_kind_range",
                    "tasks_number_range",
                ])
            #expect(broken.last?.description.contains("number -7") == true, "\(broken)")
            try await catalogue.mend(shard: target.shard)
            #expect(try await catalogue.claimable(job: target.job).map(\.range) == [3..<4])
            #expect(try await catalogue.brokenRules().map(\.table) == ["shards", "shards"])
        }
    }

    /// Counters that lie are the audit's; they must not keep a result from being recorded.
    @Test func countersThatLieDoNotKeepWorkFromBeingRecorded() async throws {
        try await TestCatalogue.with { test in
            let target = try await job(in: test)
            let worker = try await test.register()
            let claim = try await test.catalogue.claim(
                target.hint(0..<4), limit: 4, worker: worker, lease: .seconds(60))
            let batch = try #require(claim.batch)
            try await test.execute("UPDATE shards SET done = 3")
            let results = batch.items.map {
                TaskResult(
                    number: $0.number,
                    outcome: .image(
                        ImageRecord(digest: SHA256.digest(of: "\($0)"), bytes: 1, width: 8, height: 8)))
            }
            let report = try await test.catalogue.finish(
                batch, results: results, worker: worker, backoff: { _ in .zero })
            #expect(report.accepted == [0, 1, 2, 3])
            #expect(try await test.number("SELECT done FROM shards") == 4)
        }
    }

    /// A catalogue from before the rules migrates whatever it holds, and says what breaks them until it is mended.
    @Test func aCatalogueWithSuchRowsMigratesAndNamesThem() async throws {
        try await TestCatalogue.with(version: 6) { test in
            try await test.execute(
                """
                INSERT INTO jobs (name, kind, capability, lane, specification, specification_sha256, hint_size)
                VALUES ('job', 'generate', 'sketch', 'normal', '{}', sha256('x'), 4)
                """)
            try await test.execute(
                """
                INSERT INTO shards (job_id, number, first_task, tasks, hinted_at)
                SELECT id, 0, 0, 4, now() + interval '1 day' FROM jobs
                """)
            try await test.execute(
                """
                INSERT INTO tasks (shard_id, kind, number)
                SELECT id, 'generate', n FROM shards, unnest(ARRAY[-7, 0, 1, 2, 3]) n
                """)
            let shard = Int64(try await test.number("SELECT id FROM shards"))
            #expect(
                try await test.catalogue.migrate().map(\.name) == [
                    "ranges", "kinds", "chains", "blocked_shards", "gates",
                ])
            let broken = try await test.catalogue.brokenRules()
            #expect(
                broken.map(\.description) == [
                    "1 row of tasks breaks tasks_number_range (shard_id \(shard), kind generate, number -7)"
                ])
            let ahead = try await test.catalogue.timesAhead()
            #expect(ahead.leases == 0 && ahead.shards == 1 && ahead.workers == 0)
            try await test.catalogue.mend(shard: shard)
            #expect(try await test.catalogue.migrate().isEmpty)
            #expect(
                try await test.number(
                    "SELECT count(*) FROM pg_constraint WHERE NOT convalidated AND conrelid = 'tasks'::regclass")
                    == 0, "every rule of tasks holds for all rows now")
            #expect(try await test.catalogue.timesAhead().shards == 0)
        }
    }

    /// The rules of the migration, for new rows.
    private func restoreRules(of test: TestCatalogue) async throws {
        let sql = try #require(Catalogue.migrations.first { $0.name == "ranges" }).sql
        for table in ["tasks", "payloads", "shards", "leases"] {
            let start = try #require(sql.range(of: "ALTER TABLE \(table)\n"))
            let end = try #require(sql[start.lowerBound...].firstIndex(of: ";"))
            try await test.execute(SQL(unsafeRaw: String(sql[start.lowerBound..<end])))
            try await test.execute("ALTER TABLE \(identifier: table) ENABLE TRIGGER USER")
        }
    }
}
