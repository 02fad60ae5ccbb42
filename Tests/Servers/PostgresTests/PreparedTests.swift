// Statements that the server parses once, and transactions that begin with their first statement.

import Postgres
import Testing

extension ServerTests {
    @Suite struct PreparedTests {
        private func preparedCount(_ connection: Connection) async throws -> Int {
            try await connection.query("SELECT count(*) AS count FROM pg_prepared_statements")[0].int("count")
        }

        @Test func serverParsesAPreparedStatementOnce() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                for number in [3, 4] {
                    let rows = try await connection.query("SELECT \(number) + \(1) AS n", prepared: true)
                    #expect(try rows[0].int("n") == number + 1)
                }
                let absent = try await connection.query("SELECT \(Int?.none) AS n, \([1, 2]) AS m", prepared: true)
                #expect(try absent[0].optionalInt("n") == nil)
                #expect(try await preparedCount(connection) == 2)
            }
        }

        @Test(arguments: [true, false])
        func aTransactionsFirstStatementIsInIt(isPrepared: Bool) async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await connection.simple("CREATE TABLE t (n bigint)")
                let setting = try await connection.transaction(synchronousCommit: false) { connection in
                    let rows = try connection.query("SHOW synchronous_commit", prepared: isPrepared)
                    _ = try connection.execute("INSERT INTO t VALUES (1)")
                    return try rows[0].string("synchronous_commit")
                }
                #expect(setting == "off")
                #expect(try await connection.query("SHOW synchronous_commit")[0].string("synchronous_commit") == "on")
                let error = await postgresError {
                    try await connection.transaction { connection in
                        _ = try connection.query("INSERT INTO t VALUES (2) RETURNING n", prepared: isPrepared)
                        _ = try connection.query("SELECT 1 / \(0)", prepared: isPrepared)
                    }
                }
                #expect(error?.sqlstate == "22012")
                #expect(try await connection.query("SELECT n FROM t").count == 1)
            }
        }

        @Test(arguments: [true, false])
        func aFailingFirstStatementLeavesTheConnectionUsable(isPrepared: Bool) async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                for statement in ["SELECT 1 / 0", "SELEKT", "SELECT n FROM nowhere"] {
                    let error = await postgresError {
                        try await connection.transaction { connection in
                            _ = try connection.query(SQL(unsafeRaw: statement), prepared: isPrepared)
                        }
                    }
                    #expect(error?.description.contains(statement) == true)
                }
                #expect(try await connection.query("SELECT 1 AS one", prepared: isPrepared)[0].int("one") == 1)
            }
        }

        @Test(arguments: [true, false])
        func aSwallowedErrorOfTheFirstStatementIsNotACommit(isPrepared: Bool) async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await connection.simple("CREATE TABLE t (n bigint)")
                for statement in ["SELECT 1 / 0", "SELEKT"] {
                    let error = await postgresError {
                        try await connection.transaction { connection in
                            #expect(throws: PostgresError.self) {
                                try connection.query(SQL(unsafeRaw: statement), prepared: isPrepared)
                            }
                            #expect(throws: PostgresError.self) { try connection.execute("INSERT INTO t VALUES (1)") }
                        }
                    }
                    #expect(error?.code == .sql("25P02"))
                }
                #expect(try await connection.query("SELECT n FROM t").isEmpty)
            }
        }

        @Test func aTransactionWithoutStatementsIsFine() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                #expect(try await connection.transaction { _ in 5 } == 5)
                #expect(try await connection.query("SELECT 1 AS one")[0].int("one") == 1)
            }
        }

        @Test func aTransactionMayBeginWithACopy() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await connection.simple("CREATE TABLE t (n bigint)")
                struct Failure: Error {}
                await #expect(throws: Failure.self) {
                    try await connection.transaction { connection in
                        try connection.copy(into: "t", columns: ["n"]) { try $0.append(1) }
                        throw Failure()
                    }
                }
                #expect(try await connection.query("SELECT n FROM t").isEmpty)
            }
        }

        @Test func lossInTheFirstStatementIsNoUnknownCommit() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                let error = await postgresError {
                    try await connection.transaction { connection in
                        _ = try connection.query("SELECT pg_terminate_backend(pg_backend_pid())", prepared: true)
                    }
                }
                #expect(error?.code == .unavailable)
                #expect(try await connection.query("SELECT 1 AS one", prepared: true)[0].int("one") == 1)
            }
        }

        @Test("what the server forgot, or cannot answer in the same columns any more, is parsed anew in a new session")
        func forgottenStatements() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await connection.simple("CREATE TABLE t (n bigint); INSERT INTO t VALUES (1)")
                for change in ["DEALLOCATE ALL", "ALTER TABLE t ADD COLUMN m bigint"] {
                    _ = try await connection.query("SELECT * FROM t", prepared: true)
                    try await connection.simple(change)
                    let error = await postgresError {
                        _ = try await connection.query("SELECT * FROM t", prepared: true)
                    }
                    #expect(error?.code == .unavailable)
                    #expect(try await connection.query("SELECT * FROM t", prepared: true).count == 1)
                }
            }
        }
    }
}
