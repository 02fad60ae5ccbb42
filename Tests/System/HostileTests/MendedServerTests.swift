// Servers that refuse a worker because somebody is mending them: it has served, so it waits.

import Fixtures
import Foundation
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct MendedServerTests {
    private static let refusal = "refuses this worker; trying again until somebody has mended it"
    private static let worker = ["run", "--lease", "1.5", "--hint-horizon", "0.5", "--log-level", "warning"]

    /// What `pg_restore --clean` takes away and brings back.
    @Test(
        "a catalogue that is being restored is waited for", .timeLimit(.minutes(2)),
        arguments: [
            ("ALTER TABLE leases RENAME TO leases_away", "ALTER TABLE leases_away RENAME TO leases", "42P01"),
            ("ALTER TABLE shards RENAME hinted_at TO away", "ALTER TABLE shards RENAME away TO hinted_at", "42703"),
        ])
    func restoredCatalogue(away: String, back: String, sqlstate: String) throws {
        try TestWorld.with("mended") { world in
            try world.enqueue("before", limit: 8)
            let worker = try world.commands.start("worker", Self.worker)
            try finished("before", in: world)
            _ = try world.sql(away)
            try worker.waitFor(Self.refusal)
            #expect(worker.errors.contains(sqlstate), "\(worker.errors)")
            _ = try world.sql(back)
            try world.enqueue("after", limit: 8, ["--seed", "1"])
            try finished("after", in: world)
            worker.send(SIGTERM)
            #expect(try worker.wait().status == 0, "\(worker.errors)")
        }
    }

    /// Nothing that it holds or does can be recorded any more, so its supervisor starts it anew.
    @Test func aWorkerThatTheRestoredCatalogueDoesNotKnowEnds() throws {
        try TestWorld.with("mended") { world in
            let worker = try world.commands.start("worker", Self.worker + ["--log-level", "critical"])
            try world.wait(for: "a worker") { try world.sql("SELECT count(*) FROM workers") == ["1"] }
            _ = try world.sql("DELETE FROM workers")
            try world.enqueue("x", limit: 2)
            Refusal.expect(try worker.wait(), status: 78, says: ["start the worker again"], "worker")
        }
    }

    @Test("a password that is being changed is waited for", .timeLimit(.minutes(2)))
    func rotatedPassword() throws {
        try TestWorld.with("mended") { world in
            let role = try Role(in: world)
            let commands = try role.commands()
            try world.enqueue("before", limit: 8)
            let worker = try commands.start("worker", Self.worker)
            try finished("before", in: world)
            _ = try world.sql("ALTER ROLE \(role.name) PASSWORD 'second'")
            _ = try world.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '\(role.name)'")
            try worker.waitFor(Self.refusal)
            #expect(worker.errors.contains("28P01"), "\(worker.errors)")
            _ = try world.sql("ALTER ROLE \(role.name) PASSWORD 'first'")
            try world.enqueue("after", limit: 8, ["--seed", "1"])
            try finished("after", in: world)
            worker.send(SIGTERM)
            let result = try worker.wait()
            #expect(result.status == 0, "\(result.errors)")
        }
    }

    /// Nobody can know that somebody is about to grant what a worker never had.
    @Test func aWorkerThatNeverHadARightIsToldWhichItIs() throws {
        try TestWorld.with("mended") { world in
            let role = try Role(in: world)
            _ = try world.sql("REVOKE UPDATE ON leases FROM \(role.name)")
            try world.enqueue("x", limit: 2)
            let result = try role.commands().run("worker", Self.worker + ["--log-level", "critical"])
            Refusal.expect(result, status: 77, says: ["permission denied for table leases"], "worker")
        }
    }

    private func finished(_ job: String, in world: TestWorld) throws {
        let open =
            "SELECT count(*) FROM shards s JOIN jobs j ON j.id = s.job_id WHERE j.name = '\(job)' AND s.state <> 'finished'"
        try world.wait(for: "job \(job) to finish") { try world.sql(open) == ["0"] }
    }

    /// A role of a test's own that may do everything in its world.
    private final class Role {
        let name: String
        private let world: TestWorld

        init(in world: TestWorld) throws {
            (name, self.world) = (world.schema + "_worker", world)
            let database = URLComponents(string: Surroundings.variable("DATABASE_URL") ?? "")?.path.dropFirst() ?? ""
            _ = try world.sql(
                """
                CREATE ROLE \(name) LOGIN PASSWORD 'first'; GRANT \(name) TO CURRENT_USER;
                GRANT CONNECT ON DATABASE \(database) TO \(name); GRANT USAGE ON SCHEMA \(world.schema) TO \(name);
                GRANT ALL ON ALL TABLES IN SCHEMA \(world.schema) TO \(name);
                GRANT ALL ON ALL SEQUENCES IN SCHEMA \(world.schema) TO \(name)
                """)
        }

        deinit { _ = try? world.sql("DROP OWNED BY \(name); DROP ROLE \(name)") }  // Litter, at worst.

        func commands() throws -> Commands {
            var parts = try #require(URLComponents(string: world.commands.environment["DATABASE_URL"] ?? ""))
            (parts.user, parts.password) = (name, "first")
            return Commands(
                environment: world.commands.environment.merging(["DATABASE_URL": try #require(parts.string)]) { $1 })
        }
    }
}
