// PgBouncer between the commands and the catalogue: a session of one's own works, a shared one is named.

import Fixtures
import Foundation
import Logging
import Postgres
import Testing

@Suite(
    .serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)),
    .enabled(if: Pooler.isInstalled, Comment(rawValue: Pooler.missing)))
struct PoolerTests {
    private func through(_ pooler: Pooler, _ world: TestWorld) -> Commands {
        Commands(
            environment: world.commands.environment.merging([
                "DATABASE_URL": TestWorld.url(pooler.url, schema: world.schema)
            ]) { $1 })
    }

    @Test func aJobRunsThroughAPoolerInSessionMode() throws {
        let pooler = try Pooler(.session)
        try TestWorld.with("pooler") { world in
            let commands = through(pooler, world)
            try world.enqueue("pooled", limit: 20)
            let worker = try commands.run("worker", TestWorld.worker + ["--log-level", "warning"])
            #expect(worker.status == 0 && worker.errors.isEmpty, "\(worker.errors)")
            #expect(try commands.succeed("catalogue", ["jobs"]).contains("finished"))
            try commands.succeed("catalogue", ["audit"])
            let doctor = try commands.run("catalogue", ["doctor"])
            #expect(doctor.output.contains("a pooler in session mode, 6 settings hold"), "\(doctor.output)")
        }
    }

    /// The settings that a worker needs hold, and those that the URL asks for.
    @Test func settingsHoldBehindAPooler() async throws {
        let pooler = try Pooler(.session)
        let connection = try connection(
            pooler.url + "?options=-c%20work_mem%3D5MB", settings: ["enable_seqscan": "off"])
        for (name, value) in [("statement_timeout", "1min"), ("enable_seqscan", "off"), ("work_mem", "5MB")] {
            #expect(try await connection.query("SELECT current_setting(\(name)) AS v")[0].string("v") == value)
        }
        var state = try await connection.sessionState()
        #expect(state.isPooled && state.lost.isEmpty && state.settings == 7)
        try await connection.simple("SET work_mem = '9MB'")
        state = try await connection.sessionState()
        #expect(state.lost == ["work_mem": "9MB"])
        await connection.close()
    }

    @Test(arguments: [Pooler.Mode.transaction, .statement])
    func everyCommandNamesAPoolerThatSharesSessions(mode: Pooler.Mode) throws {
        let pooler = try Pooler(mode)
        try TestWorld.with("pooler") { world in
            let commands = through(pooler, world)
            let annotations = world.folder + "/example.json"
            try commands.succeed("producer", ["example", "--out", annotations])
            for (command, arguments) in [
                ("catalogue", ["jobs"]), ("catalogue", ["migrate"]), ("catalogue", ["cancel", "--job", "x"]),
                ("worker", ["run", "--log-level", "critical"]),
                ("producer", ["enqueue", "--job", "x", "--annotations", annotations, "--strategy", "hard"]),
            ] {
                Refusal.expect(
                    try commands.run(command, arguments, limit: .seconds(30)), status: 64,
                    says: ["transaction or statement mode", "pool_mode = session"], "\(mode): \(command) \(arguments)")
            }
            let doctor = try commands.run("catalogue", ["doctor"])
            #expect(doctor.status == 1 && doctor.output.contains("fail  session"), "\(doctor.output)")
            #expect(doctor.output.contains("transaction or statement mode"), "\(doctor.output)")
        }
    }

    /// What was set before the pooler was known would be set for whoever comes next.
    @Test func nothingIsSetInASharedSession() async throws {
        let pooler = try Pooler(.transaction)
        let connection = try connection(pooler.url)
        await #expect(throws: PostgresError.self) { _ = try await connection.query("SELECT 1") }
        let shown = try RunningProcess(
            "/usr/bin/env", ["psql", "-XqAt", "-c", "SHOW statement_timeout; SHOW lock_timeout", pooler.url]
        ).wait()
        #expect(shown.output == "0\n0\n", "\(shown.output) \(shown.errors)")
    }

    /// Without its reset query the pooler hands a process on with the statements that others prepared in it.
    @Test func statementsOfAnEarlierSessionDoNotCollide() async throws {
        let pooler = try Pooler(.session, settings: ["server_reset_query ="])
        for number in 1...3 {
            let connection = try connection(pooler.url)
            let rows = try await connection.query("SELECT \(number) + 1 AS n", prepared: true)
            #expect(try rows[0].int("n") == number + 1)
            let known = try await connection.query("SELECT count(*) AS n FROM pg_prepared_statements")
            #expect(try known[0].int("n") == number)
            await connection.close()
        }
    }

    @Test(
        arguments: [
            ("password", 77, "password"), ("database", 77, "no such database"), ("user", 77, "nobody"),
        ] as [(String, Int32, String)])
    func whatAPoolerRefusesHasTheCodeOfTheServer(part: String, status: Int32, says: String) throws {
        let pooler = try Pooler(.session)
        var parts = try #require(URLComponents(string: pooler.url))
        switch part {
        case "password": parts.password = "secret-4"
        case "database": parts.path = "/nowhere"
        default: parts.user = "nobody"
        }
        let commands = Commands(environment: ["DATABASE_URL": try #require(parts.string)])
        Refusal.expect(try commands.run("catalogue", ["jobs"]), status: status, says: [says], part)
    }

    private func connection(_ url: String, settings: [String: String] = [:]) throws -> Connection {
        Connection(
            url: try DatabaseURL(url), applicationName: "pooler tests", settings: settings,
            logger: TestCatalogue.quietLogger)
    }
}
