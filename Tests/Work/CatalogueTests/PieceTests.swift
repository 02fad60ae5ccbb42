// Large jobs change piece by piece: no statement touches more than its piece, and the rest is found again.

import Catalogue
import Fixtures
import Postgres
import Tasks
import Testing

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct PieceTests {
    /// Five shards of three tasks, and a log of how many rows and shards each statement changed.
    private func withLoggedJob(_ body: (TestCatalogue, EnqueuedJob) async throws -> Void) async throws {
        try await TestCatalogue.with { test in
            try await test.catalogue.connection.simple(
                """
                CREATE TABLE changes (what text, relation text, rows bigint, shards bigint);
                CREATE FUNCTION log_change() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    INSERT INTO changes SELECT TG_OP, TG_TABLE_NAME, count(*), count(DISTINCT shard_id) FROM changed
                    HAVING count(*) > 0;
                    RETURN NULL;
                END $$;
                CREATE TRIGGER t1 AFTER UPDATE ON tasks REFERENCING NEW TABLE AS changed EXECUTE FUNCTION log_change();
                CREATE TRIGGER t2 AFTER DELETE ON tasks REFERENCING OLD TABLE AS changed EXECUTE FUNCTION log_change();
                CREATE TRIGGER t3 AFTER DELETE ON payloads REFERENCING OLD TABLE AS changed EXECUTE FUNCTION log_change();
                """)
            let job = try await test.enqueue("large", tasks: 15, shardSize: 3)
            try await test.execute("DELETE FROM changes")
            try await body(test, job)
        }
    }

    /// What the statements of one kind changed: rows and shards of each.
    private func changes(_ test: TestCatalogue, _ what: String, _ relation: String) async throws -> [[Int]] {
        try await test.catalogue.connection.query(
            "SELECT rows, shards FROM changes WHERE what = \(what) AND relation = \(relation)"
        ).map { [try $0.int("rows"), try $0.int("shards")] }
    }

    @Test(arguments: [(1, [1, 2, 3, 4, 5]), (6, [2, 4, 5]), (1000, [5])])
    func noStatementChangesMoreThanItsPiece(limit: Int, steps: [Int]) async throws {
        try await withLoggedJob { test, job in
            var progress: [Int] = []
            _ = try await test.catalogue.cancel(job: "large", tasksPerPiece: limit) { step in
                #expect(step.totalShards == 5)
                progress.append(step.shards)
            }
            #expect(progress == steps)
            let sizes = zip(steps, [0] + steps).map { [3 * ($0 - $1), $0 - $1] }
            #expect(try await changes(test, "UPDATE", "tasks") == sizes)
            #expect(try await test.catalogue.accounts(job: job.id).flatMap(\.findings) == [])
            progress = []
            _ = try await test.catalogue.cancel(job: "large", tasksPerPiece: limit) { progress.append($0.shards) }
            #expect(progress == [], "nothing is left")

            try await test.catalogue.purge(job: "large", tasksPerPiece: limit) { progress.append($0.shards) }
            #expect(progress == steps)
            #expect(try await changes(test, "DELETE", "tasks") == sizes)
            #expect(try await changes(test, "DELETE", "payloads") == sizes)
            #expect(try await test.number("SELECT count(*) FROM tasks") == 0)
            #expect(try await test.catalogue.jobs().isEmpty)
        }
    }

    @Test func deadTasksAreOpenedPieceByPieceAndOnlyWhereThereAreSome() async throws {
        try await withLoggedJob { test, job in
            try await test.execute(
                """
                UPDATE tasks SET state = 'dead', attempt = 5 WHERE number < 2
                AND shard_id IN (SELECT id FROM shards WHERE number IN (1, 3, 4))
                """)
            try await test.execute("UPDATE shards SET dead = 2 WHERE number IN (1, 3, 4)")
            try await test.execute("DELETE FROM changes")
            let (opened, targets) = try await test.catalogue.retry(job: "large", tasksPerPiece: 3)
            #expect(opened == 6)
            #expect(try await changes(test, "UPDATE", "tasks") == [[2, 1], [2, 1], [2, 1]])
            #expect(targets.map(\.range) == Array(repeating: 0..<3, count: 5))
            #expect(targets.map(\.shard) == targets.map(\.shard).sorted())
            #expect(try await test.catalogue.accounts(job: job.id).flatMap(\.findings) == [])
        }
    }

    @Test func whatIsHalfPurgedIsNotExtended() async throws {
        try await TestCatalogue.with { test in
            _ = try await test.enqueue("half", tasks: 4, shardSize: 2)
            try await test.execute(
                "UPDATE shards SET state = 'finished', done = 2, tar = 't', tar_sha256 = sha256('t'), finished_at = now()"
            )
            let other = try test.another()
            // The rows of the second shard are in somebody's hands, so the purge stops after the first.
            try await other.connection.simple("BEGIN; UPDATE tasks SET reason = 'x' WHERE shard_id = 2")
            try await test.catalogue.connection.simple("SET lock_timeout = '100ms'")
            await #expect(throws: PostgresError.self) { try await test.catalogue.purge(job: "half", tasksPerPiece: 2) }
            try await other.connection.simple("ROLLBACK")
            await other.close()
            #expect(try await test.number("SELECT count(*) FROM shards") == 1)
            await #expect(throws: CatalogueError.self) { try await test.enqueue("half", tasks: 4, shardSize: 2) }
            try await test.catalogue.purge(job: "half", tasksPerPiece: 2)
            #expect(try await test.enqueue("half", tasks: 4, shardSize: 2).isNew)
        }
    }

    @Test func orphansAreFoundAcrossManyShardsAndRemovedShardByShard() async throws {
        try await withLoggedJob { test, _ in
            try await test.execute(
                "INSERT INTO tasks (shard_id, kind, number) SELECT 1000 + n / 2, 'generate', n % 2 FROM generate_series(0, 4999) n"
            )
            try await test.execute(
                "INSERT INTO payloads (shard_id, number, image_id, sample, payload) SELECT 5000, n, n, 0, '' FROM generate_series(0, 6) n"
            )
            #expect(try await test.catalogue.orphans() == 5007)
            #expect(try await test.catalogue.removeOrphans() == 5007)
            #expect(try await test.number("SELECT max(shards) FROM changes") == 1)
            #expect(try await test.catalogue.orphans() == 0)
            #expect(try await test.number("SELECT count(*) FROM tasks") == 15)
        }
    }
}
