// The failpoints around COMMIT are where their names say.

import Foundation
import Postgres
import Testing

extension ServerTests {
    @Suite struct CommitFailpointTests {
        @Test func deathBeforeCommitLeavesNothing() async throws {
            try await TestSchema.with { schema in
                try await schema.connection().simple("CREATE TABLE t (n bigint)")
                await #expect(processExitsWith: .signal(SIGKILL)) { [schema = schema as TestSchema] in
                    setenv("DETDIFFUSION_FAILPOINTS", "postgres.before-commit.finish=kill", 1)
                    try await schema.insertOne(label: "claim")
                    try await schema.insertOne(label: "finish")
                }
                #expect(try await schema.connection().query("SELECT n FROM t").count == 1)
            }
        }

        @Test func deathAfterCommitLeavesTheRow() async throws {
            try await TestSchema.with { schema in
                try await schema.connection().simple("CREATE TABLE t (n bigint)")
                await #expect(processExitsWith: .signal(SIGKILL)) { [schema = schema as TestSchema] in
                    setenv("DETDIFFUSION_FAILPOINTS", "postgres.after-commit=kill@2", 1)
                    try await schema.insertOne(label: "claim")
                    try await schema.insertOne(label: "finish")
                }
                #expect(try await schema.connection().query("SELECT n FROM t").count == 2)
            }
        }
    }
}

extension TestSchema {
    /// Adds a row in a transaction with a label.
    func insertOne(label: String) async throws {
        try await connection().transaction(label: label) { connection in
            _ = try connection.execute("INSERT INTO t VALUES (1)")
        }
    }
}
