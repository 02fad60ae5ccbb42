// Once, whoever tries; and never on a schema that is something else.

import Postgres
import Testing

extension ServerTests {
    @Suite struct MigrationTests {
        private let first = Migration(
            version: 1, name: "things", sql: "CREATE TABLE things (n bigint); INSERT INTO things VALUES (1)")
        private let second = Migration(version: 2, name: "more", sql: "INSERT INTO things VALUES (2)")

        @Test func missingMigrationsAreAppliedInOrderAndOnce() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                #expect(try await Migrations([first, second]).pending(on: connection) == [first, second])
                #expect(try await Migrations([first]).apply(on: connection) == [first])
                #expect(try await Migrations([first, second]).pending(on: connection) == [second])
                #expect(try await Migrations([first, second]).apply(on: connection) == [second])
                #expect(try await Migrations([first, second]).apply(on: connection).isEmpty)
                #expect(try await connection.query("SELECT n FROM things").count == 2)
                // The session is as before: timeouts back, lock gone.
                #expect(try await connection.query("SHOW statement_timeout")[0].string("statement_timeout") == "1min")
                #expect(
                    try await connection.query(
                        "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
                    ).isEmpty)
            }
        }

        @Test func manyAtOnceApplyEachMigrationOnce() async throws {
            try await TestSchema.with { schema in
                let migrations = Migrations([first, second])
                let applied = try await withThrowingTaskGroup { group in
                    for _ in 0..<6 {
                        group.addTask { try await migrations.apply(on: schema.connection()).count }
                    }
                    return try await group.reduce(0, +)
                }
                #expect(applied == 2)
                #expect(try await schema.connection().query("SELECT n FROM things").count == 2)
            }
        }

        @Test func editedMigrationIsDrift() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await Migrations([first]).apply(on: connection)
                let edited = Migration(version: 1, name: "things", sql: first.sql + " ")
                let error = await postgresError { try await Migrations([edited, second]).apply(on: connection) }
                #expect(error?.code == .migration)
                let hashes = error?.description.matches(of: /[0-9a-f]{64}/).map { String($0.output) } ?? []
                #expect(Set(hashes).count == 2)
                #expect(error?.description.hasPrefix("migration 1 (things): ") == true)
                #expect(try await connection.query("SELECT n FROM things").count == 1)
            }
        }

        @Test func newerSchemaAsksForANewerProgram() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await Migrations([first, second]).apply(on: connection)
                let error = await postgresError { _ = try await Migrations([first]).pending(on: connection) }
                #expect(error?.code == .migration)
                #expect(
                    error?.description == "the schema has migration 2, this program knows up to 1: upgrade this program"
                )
            }
        }

        @Test func failingMigrationLeavesNothingAndIsNamed() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                let failing = Migration(version: 2, name: "broken", sql: "INSERT INTO things VALUES (2); SELECT 1/0")
                let error = await postgresError { try await Migrations([first, failing]).apply(on: connection) }
                #expect(error?.code == .sql("22012"))
                #expect(error?.description.hasPrefix("migration 2 (broken) was not applied: ") == true)
                #expect(try await connection.query("SELECT n FROM things").count == 1)
                #expect(try await Migrations([first, second]).apply(on: connection) == [second])
            }
        }

        @Test func migrationThatCommitsItselfIsRefused() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                let sneaky = Migration(version: 1, name: "sneaky", sql: "CREATE TABLE t (n bigint); COMMIT")
                let error = await postgresError { try await Migrations([sneaky]).apply(on: connection) }
                #expect(error?.code == .migration)
            }
        }
    }
}
