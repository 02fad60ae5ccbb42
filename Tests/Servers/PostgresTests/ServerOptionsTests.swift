// What of libpq's `options` can be set after connecting.

import Testing

@testable import Postgres

struct ServerOptionsTests {
    @Test(
        arguments: [
            ("", [:]), ("-c work_mem=5MB", ["work_mem": "5MB"]), ("-cwork_mem=5MB", ["work_mem": "5MB"]),
            ("--work-mem=5MB", ["work_mem": "5MB"]), ("  -c a=1   -c b=2 ", ["a": "1", "b": "2"]),
            ("-c a=1 -c a=2", ["a": "2"]), (#"-c search_path=a,\ b"#, ["search_path": "a, b"]),
            (#"-c a=\\"#, ["a": #"\"#]), ("-c a=b=c", ["a": "b=c"]), ("-c a=", ["a": ""]),
            ("-c my.own=1", ["my.own": "1"]),
        ] as [(String, [String: String])])
    func settingsAreReadAsTheServerReadsThem(options: String, settings: [String: String]) {
        #expect(ServerOptions.settings(in: options) == settings)
    }

    /// These go to the server as they are.
    @Test(arguments: ["-c", "-c work_mem", "-B 100", "work_mem=5MB", "-d 3 -c a=1", "-c =1", "-c a'b=1"])
    func anythingElseIsNoSetting(options: String) { #expect(ServerOptions.settings(in: options) == nil) }
}

extension ServerTests {
    @Suite struct SessionSettingTests {
        @Test func timeoutsComeBackAfterAMigration() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection(statementTimeout: .seconds(7))
                try await Migrations([Migration(version: 1, name: "t", sql: "CREATE TABLE t (n bigint)")])
                    .apply(on: connection)
                #expect(try await connection.query("SHOW statement_timeout")[0].string("statement_timeout") == "7s")
                #expect(try await connection.query("SHOW lock_timeout")[0].string("lock_timeout") == "10s")
                let state = try await connection.sessionState()
                #expect(!state.isPooled && state.lost.isEmpty && state.settings == 6)
                try await connection.simple("SET lock_timeout = '3s'")
                #expect(try await connection.sessionState().lost == ["lock_timeout": "3s"])
            }
        }

        @Test(arguments: [("work_mem", "many"), ("no_such_setting", "1"), ("max_connections", "3")])
        func aSettingThatTheServerDoesNotTakeIsAFaultOfTheURL(name: String, value: String) async throws {
            let connection = Connection(
                url: try TestServer.address(), applicationName: "test", settings: [name: value],
                logger: TestServer.quietLogger)
            let error = await postgresError { _ = try await connection.query("SELECT 1") }
            #expect(error?.code == .configuration, "\(String(describing: error))")
        }

        @Test func aSchemaFurtherDownTheSearchPathIsNotTheCatalogues() async throws {
            try await TestSchema.with { schema in
                let migrations = Migrations([Migration(version: 1, name: "t", sql: "CREATE TABLE t (n bigint)")])
                let connection = try schema.connection()
                try await migrations.apply(on: connection)
                try await connection.simple("CREATE SCHEMA \(schema.name)_first")
                let other = try schema.connection(
                    settings: ["search_path": "\(schema.name)_first, \(schema.name)"])
                #expect(try await migrations.pending(on: other).count == 1)
                await other.close()
                try await connection.simple("DROP SCHEMA \(schema.name)_first")
                let nowhere = try schema.connection(settings: ["search_path": "no_such_schema"])
                let error = await postgresError { _ = try await migrations.pending(on: nowhere) }
                #expect(error?.sqlstate == "3F000" && error?.description.contains("no_such_schema") == true)
            }
        }

        @Test func anAnswerThatTakesTooLongIsALoss() async throws {
            let connection = Connection(
                url: try TestServer.address(), applicationName: "test", statementTimeout: .seconds(60),
                answerTimeout: .milliseconds(300), logger: TestServer.quietLogger)
            let begin = ContinuousClock.now
            let error = await postgresError { _ = try await connection.query("SELECT pg_sleep(30)") }
            #expect(error?.code == .unavailable && error?.description.contains("no answer within") == true)
            #expect(ContinuousClock.now - begin < .seconds(10))
        }
    }
}
