// All or nothing, and what is said when nobody can know.

import Foundation
import Postgres
import Testing

extension ServerTests {
    @Suite struct TransactionTests {
        private struct Failure: Error {}

        @Test func bodysResultComesBackAndChangesStay() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await connection.simple("CREATE TABLE t (n bigint)")
                let sum = try await connection.transaction { connection in
                    #expect(try connection.execute("INSERT INTO t VALUES (\(1)), (\(2))") == 2)
                    return try connection.query("SELECT sum(n) AS sum FROM t")[0].int("sum")
                }
                #expect(sum == 3)
                #expect(try await schema.connection().query("SELECT n FROM t").count == 2)
            }
        }

        @Test func throwingBodyLeavesNothing() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await connection.simple("CREATE TABLE t (n bigint)")
                await #expect(throws: Failure.self) {
                    try await connection.transaction { connection in
                        _ = try connection.execute("INSERT INTO t VALUES (1)")
                        throw Failure()
                    }
                }
                #expect(try await connection.query("SELECT n FROM t").isEmpty)
            }
        }

        @Test func swallowedErrorIsNotACommit() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await connection.simple("CREATE TABLE t (n bigint)")
                let error = await postgresError {
                    try await connection.transaction { connection in
                        _ = try connection.execute("INSERT INTO t VALUES (1)")
                        #expect(throws: PostgresError.self) { try connection.query("SELECT 1/0") }
                    }
                }
                #expect(error?.code == .sql("25P02"))
                #expect(try await connection.query("SELECT n FROM t").isEmpty)
            }
        }

        @Test func nothingComesBetweenTheStatementsOfABody() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await connection.simple("CREATE TABLE t (n bigint); INSERT INTO t VALUES (0)")
                try await withThrowingTaskGroup { group in
                    for _ in 0..<50 {
                        group.addTask {
                            try await connection.transaction { connection in
                                let n = try connection.query("SELECT n FROM t")[0].int("n")
                                _ = try connection.execute("UPDATE t SET n = \(n + 1)")
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await connection.query("SELECT n FROM t")[0].int("n") == 50)
            }
        }

        @Test func synchronousCommitIsOffOnlyWhereAsked() async throws {
            let connection = Connection(
                url: try TestServer.address(), applicationName: "test", logger: TestServer.quietLogger)
            let show: @Sendable (isolated Connection) throws -> String = { connection in
                try connection.query("SELECT current_setting('synchronous_commit') AS value")[0].string("value")
            }
            #expect(try await connection.transaction(synchronousCommit: false, show) == "off")
            #expect(try await connection.transaction(show) == "on")
        }

        @Test func constraintsAndLocksHaveTheirCodes() async throws {
            try await TestSchema.with { schema in
                let first = try schema.connection(), second = try schema.connection(settings: ["lock_timeout": "1ms"])
                try await first.simple(
                    "CREATE TABLE t (n bigint CONSTRAINT positive CHECK (n > 0)); INSERT INTO t VALUES (1)")
                let error = await postgresError { _ = try await first.execute("INSERT INTO t VALUES (\(-5))") }
                #expect(error?.code == .constraint("positive"))
                #expect(error?.sqlstate == "23514")
                #expect(error?.description.contains("in: INSERT INTO t VALUES ($1)") == true)
                #expect(error?.description.contains("\n") == false)
                try await first.simple("BEGIN; LOCK TABLE t")
                let locked = await postgresError { _ = try await second.query("SELECT * FROM t") }
                #expect(locked?.code == .retryable)
                try await first.simple("ROLLBACK")
            }
        }

        @Test func deadlockIsRetryable() async throws {
            try await TestSchema.with { schema in
                let first = try schema.connection(), second = try schema.connection()
                try await first.simple("CREATE TABLE t (n bigint); INSERT INTO t VALUES (1), (2)")
                try await first.simple("BEGIN; SET deadlock_timeout = '10ms'; UPDATE t SET n = n WHERE n = 1")
                try await second.simple("BEGIN; SET deadlock_timeout = '10ms'; UPDATE t SET n = n WHERE n = 2")
                async let left = postgresError { try await first.simple("UPDATE t SET n = n WHERE n = 2; ROLLBACK") }
                async let right = postgresError { try await second.simple("UPDATE t SET n = n WHERE n = 1; ROLLBACK") }
                let codes = [await left?.code, await right?.code].compactMap { $0 }
                #expect(codes == [.retryable])
                await first.close()
                await second.close()
            }
        }

        @Test func statementTimeoutIsTheSessions() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection(statementTimeout: .milliseconds(20))
                let error = await postgresError { _ = try await connection.query("SELECT pg_sleep(5)") }
                #expect(error?.code == .sql("57014"))
                #expect(try await connection.query("SHOW lock_timeout")[0].string("lock_timeout") == "10s")
            }
        }
    }
}
