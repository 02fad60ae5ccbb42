// Rows that a stolen role writes, or that were there before the schema forbade them: the worker goes on with the good ones.

import Fixtures
import Foundation
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct RowTests {
    private static let rules = ["jobs", "shards", "tasks", "payloads", "leases", "outputs", "workers"]

    /// Takes away what keeps such rows out today.
    private func withoutRules(_ world: TestWorld) throws {
        for table in Self.rules {
            let names = try world.sql(
                "SELECT conname FROM pg_constraint WHERE conrelid = '\(table)'::regclass AND conname LIKE '%\\_range'")
            for name in names { try world.sql("ALTER TABLE \(table) DROP CONSTRAINT \(name)") }
        }
        try world.sql("ALTER TABLE shards DISABLE TRIGGER USER")
    }

    /// Brings the rules back as a migration does: for new rows, and changes of old ones.
    private func restoreRules(_ world: TestWorld) throws {
        let path = Surroundings.root + "/schemas/catalogue/0007_ranges.sql"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let tables = try #require(text.range(of: "ALTER TABLE tasks\n"))
        let end = try #require(text.range(of: "-- A shard's times"))
        // The one column that has another name by now.
        let rules = String(text[tables.lowerBound..<end.lowerBound])
        try world.sql(rules.replacing("octet_length(plan)", with: "octet_length(statistics)"))
        try world.sql("ALTER TABLE shards ENABLE TRIGGER USER")
    }

    @Test(.timeLimit(.minutes(2)))
    func badRowsEndNoWorkerAndHideNoWork() throws {
        try TestWorld.with("rows") { world in
            try world.enqueue("good", limit: 16)
            try withoutRules(world)
            // Claimed by nobody, hinted tomorrow, numbers at both ends of the column.
            try world.sql("UPDATE shards SET hinted_at = now() + interval '1 day'")
            try world.sql(
                """
                INSERT INTO tasks (shard_id, kind, number)
                SELECT id, 'generate', n FROM shards, unnest(ARRAY[2147483647, -7, 900]) n;
                INSERT INTO payloads (shard_id, number, image_id, sample, payload)
                SELECT id, 900, 1, 0, '{}' FROM shards;
                INSERT INTO workers (name, host, pid, version, serves, device_class) VALUES ('stranger', 'h', 1, '1', '{}', 'x');
                WITH held AS (
                    INSERT INTO leases (worker_id, shard_id, kind, expires_at)
                    SELECT w.id, (SELECT min(id) FROM shards), 'generate', now() + interval '1 day' FROM workers w
                    RETURNING id, shard_id)
                UPDATE tasks t SET state = 'leased', lease_id = held.id FROM held
                WHERE t.shard_id = held.shard_id AND t.number IN (0, 1, -7)
                """)
            // A due time of tomorrow for what waits.
            try world.sql(
                """
                UPDATE tasks SET state = 'waiting', not_before = now() + interval '1 day'
                WHERE shard_id = (SELECT max(id) FROM shards) AND number = 0;
                UPDATE shards SET due_at = now() + interval '1 day' WHERE id = (SELECT max(id) FROM shards)
                """)
            try restoreRules(world)
            let before = try world.commands.run("catalogue", ["audit"])
            #expect(before.status == 1, "\(before.output)")
            for part in [
                "times of the shard", "leases of over an hour", "that wait for over an hour", "beyond the shard",
            ] {
                #expect(before.output.contains(part), "\(part): \(before.output)")
            }
            // The lease grace after the server's start is over long before the hour is.
            let result = try world.commands.run("worker", TestWorld.worker)
            #expect(result.status == 0, "\(result.errors.suffix(3000))")
            #expect(try world.records("jobs").first?["state"] as? String == "finished", "\(result.errors.suffix(3000))")
            let doctor = try world.commands.run("catalogue", ["doctor"])
            #expect(doctor.output.contains("tasks_number_range"), "\(doctor.output)")
            _ = try world.commands.run("catalogue", ["reconcile", "--fix"])
            let after = try world.commands.run("catalogue", ["audit"])
            #expect(after.status == 0, "\(after.output)")
            let migrated = try world.commands.run("catalogue", ["migrate"])
            #expect(migrated.status == 0 && migrated.errors.isEmpty, "\(migrated.errors)")
        }
    }

    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            #""width":0"#, #""width":-8"#, #""width":4611686018427387904"#, #""width":12"#,
        ])
    func aSpecificationThatCannotBeEndsNoWorker(width: String) throws {
        try TestWorld.with("rows") { world in
            try world.enqueue("bad", limit: 4, ["--max-attempts", "1"])
            try world.enqueue("good", limit: 8, ["--seed", "1"])
            // The producer's own right, and the hash follows: a stolen role is careful.
            try world.sql(
                """
                UPDATE jobs SET specification = replace(specification, '"width":64', '\(width)') WHERE name = 'bad';
                UPDATE jobs SET specification_sha256 = sha256(convert_to(specification, 'UTF8')) WHERE name = 'bad'
                """)
            let result = try world.commands.run("worker", TestWorld.worker)
            #expect(result.status == 0, "\(result.errors.suffix(3000))")
            let jobs = try world.records("jobs")
            #expect(jobs.first { $0["job"] as? String == "good" }?["state"] as? String == "finished")
            #expect(jobs.first { $0["job"] as? String == "bad" }?["dead"] as? Int == 4)
            let dead = try world.records("tasks", ["--state", "dead"])
            #expect(dead.allSatisfy { ($0["reason"] as? String)?.contains("job specification: width") == true })
            let audit = try world.commands.run("catalogue", ["audit", "--job", "bad"])
            #expect(audit.status == 1 && audit.output.contains("specification"), "\(audit.output)")
        }
    }
}
