// Connections that end, were never there, or were refused.

import Logging
import Postgres
import Testing

extension ServerTests {
    @Suite struct LostConnectionTests {
        private func processID(of connection: Connection) async throws -> Int {
            try await connection.query("SELECT pg_backend_pid() AS pid")[0].int("pid")
        }

        /// Ends the server process and waits until it is gone.
        private func terminate(_ process: Int, from other: Connection) async throws {
            #expect(
                try await other.query("SELECT pg_terminate_backend(\(Int32(process)), 5000) AS gone")[0].bool("gone"))
        }

        @Test func connectionLostWhileIdleIsMadeAgainUnnoticed() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection(), other = try schema.connection()
                let process = try await processID(of: connection)
                try await terminate(process, from: other)
                #expect(try await processID(of: connection) != process)
            }
        }

        @Test func lossDuringAStatementIsReportedAndTheNextConnects() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                let error = await postgresError {
                    _ = try await connection.query("SELECT pg_terminate_backend(pg_backend_pid())")
                }
                #expect(error?.code == .unavailable)
                #expect(error?.description.contains("the connection was lost") == true)
                #expect(error?.description.contains("\n") == false)
                #expect(try await connection.query("SELECT 1 AS one")[0].int("one") == 1)
            }
        }

        @Test func lossInATransactionIsNotACommit() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection(), other = try schema.connection()
                try await connection.simple("CREATE TABLE t (n bigint)")
                let error = await postgresError {
                    try await connection.transaction { connection in
                        _ = try connection.execute("INSERT INTO t VALUES (1)")
                        // The statement after a swallowed loss must not run on a new connection.
                        _ = #expect(throws: PostgresError.self) {
                            try connection.query("SELECT pg_terminate_backend(pg_backend_pid())")
                        }
                        _ = try connection.execute("INSERT INTO t VALUES (2)")
                    }
                }
                #expect(error?.code == .unavailable)
                #expect(try await other.query("SELECT n FROM t").isEmpty)
                #expect(try await connection.query("SELECT n FROM t").isEmpty)
            }
        }

        @Test func lossSwallowedByTheBodyIsUnavailable() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                let error = await postgresError {
                    try await connection.transaction { connection in
                        _ = #expect(throws: PostgresError.self) {
                            try connection.query("SELECT pg_terminate_backend(pg_backend_pid())")
                        }
                    }
                }
                #expect(error?.code == .unavailable)
            }
        }

        @Test func lossDuringCommitIsUnknown() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await connection.simple(
                    """
                    CREATE TABLE t (n bigint);
                    CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NULL; END $$;
                    CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION die()
                    """)
                let error = await postgresError {
                    try await connection.transaction { connection in
                        _ = try connection.execute("INSERT INTO t VALUES (1)")
                    }
                }
                #expect(error?.code == .commitUnknown)
                #expect(error?.sqlstate == "57P01")
                #expect(error?.description.contains("this was during COMMIT") == true)
                #expect(try await connection.query("SELECT n FROM t").isEmpty)
            }
        }

        @Test func refusedCommitIsAnOrdinaryError() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await connection.simple(
                    "CREATE TABLE t (n bigint CONSTRAINT single UNIQUE DEFERRABLE INITIALLY DEFERRED)")
                let error = await postgresError {
                    try await connection.transaction { connection in
                        _ = try connection.execute("INSERT INTO t VALUES (1), (1)")
                    }
                }
                #expect(error?.code == .constraint("single"))
            }
        }

        @Test func closedConnectionOpensAgain() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                let process = try await processID(of: connection)
                await connection.close()
                await connection.close()
                #expect(try await processID(of: connection) != process)
            }
        }

        @Test func sessionSettingsAreTheDefaultsOrThoseGiven() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection(settings: [
                    "work_mem": "5MB", "lock_timeout": "2s", "app.note": "two words \\",
                ])
                for (name, value) in [
                    "work_mem": "5MB", "lock_timeout": "2s", "statement_timeout": "1min", "TimeZone": "UTC",
                    "idle_in_transaction_session_timeout": "10s", "client_encoding": "UTF8",
                    "app.note": "two words \\",
                    "application_name": schema.name,
                ] {
                    #expect(
                        try await connection.query("SELECT current_setting(\(name)) AS value")[0].string("value")
                            == value)
                }
            }
        }
    }
}

extension ServerTests {
    @Suite struct ConnectionFailureTests {
        private func failure(connectingTo url: DatabaseURL) async -> PostgresError? {
            let connection = Connection(url: url, applicationName: "test", logger: TestServer.quietLogger)
            return await postgresError { _ = try await connection.query("SELECT 1") }
        }

        @Test func wrongPasswordSaysSoWithoutIt() async throws {
            let server = try TestServer.address()
            let user = server.user ?? "nobody"
            let error = await failure(
                connectingTo: try DatabaseURL(
                    "postgresql://\(user):s3cret@\(server.host):\(server.port)/\(server.database ?? "")"))
            #expect(error?.code == .authentication)
            #expect(error?.description.contains("password authentication failed for user \"\(user)\"") == true)
            #expect(error?.description.contains("s3cret") == false)
            #expect(error?.description.contains("\n") == false)
        }

        @Test func closedPortNamesHostAndPort() async throws {
            let error = await failure(connectingTo: try DatabaseURL("postgresql://ann:s3cret@127.0.0.1:1/db"))
            #expect(error?.code == .unavailable)
            #expect(
                error?.description.hasPrefix("PostgreSQL postgresql://ann@127.0.0.1:1/db: cannot connect: ") == true)
            #expect(error?.description.contains("Connection refused") == true)
            #expect(error?.description.contains("start the server") == true)
            #expect(error?.description.contains("s3cret") == false)
            #expect(error?.description.contains("\n") == false)
        }

        @Test func missingDatabaseIsNotWaitedFor() async throws {
            let text = try #require(TestServer.url)
            let name = try #require(try TestServer.address().database)
            let error = await failure(connectingTo: try DatabaseURL(String(text.dropLast(name.count)) + "absent"))
            #expect(error?.code == .sql("3D000"))
        }
    }
}
