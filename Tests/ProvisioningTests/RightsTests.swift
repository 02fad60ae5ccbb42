// What each role can and cannot do, tried out: with real commands, and statement by statement.

import Fixtures
import Foundation
import Postgres
import Testing

@testable import Provisioning

@Suite(.enabled(if: TestDeployment.isThere, TestDeployment.missing), .serialized)
struct RightsTests {
    @Test func eachCommandWorksUnderItsRoleAndIsRefusedUnderTheOthers() async throws {
        try await TestDeployment.run { deployment in
            let commands = try await commands(deployment)
            let sample = deployment.store + "/sample.json"
            let enqueue = [
                "enqueue", "--job", "rights", "--annotations", sample, "--subset", "trainability", "--strategy", "hard",
                "--generator", "sketch", "--shard-size", "10", "--hint-size", "5", "--limit",
            ]
            let work = ["run", "--exit-when-idle", "0.5", "--lease", "1", "--hint-horizon", "0.2"]
            try commands.producer.succeed("producer", ["sample", "--out", sample, "--seed", "0"])
            #expect(try commands.worker.run("producer", enqueue + ["15"]).status == 77)
            #expect(try commands.reader.run("producer", enqueue + ["15"]).status == 77)
            try commands.producer.succeed("producer", enqueue + ["15"])
            try commands.producer.succeed("producer", enqueue + ["20"])
            #expect(try commands.reader.run("worker", work).status == 77)
            #expect(try commands.producer.run("worker", work).status == 77)
            // One worker dies with a lease, so that the other one takes it back.
            #expect(try commands.worker.run("worker", work, failpoints: "worker.after-claim=kill").status == 137)
            try commands.worker.succeed("worker", work)
            let jobs = try commands.reader.succeed("catalogue", ["jobs", "--json"])
            #expect(jobs.contains(#""done":20"#) && jobs.contains(#""finishedShards":3"#), "\(jobs)")
            #expect(try commands.reader.run("catalogue", ["cancel", "--job", "rights"]).status == 77)
            #expect(try commands.worker.run("catalogue", ["purge", "--job", "rights"]).status != 0)
        }
    }

    @Test func statementsBeyondARoleAreRefused() async throws {
        try await TestDeployment.run { deployment in
            _ = try await commands(deployment)
            let refused: [(DatabaseRole, [String])] = [
                (
                    .producer,
                    [
                        "UPDATE outputs SET lost_at = now()", "DELETE FROM outputs",
                        "UPDATE shards SET state = 'finished'",
                        "UPDATE tasks SET state = 'done'", "DELETE FROM jobs",
                        "INSERT INTO leases (worker_id, shard_id, kind, expires_at) VALUES (1, 1, 'x', now())",
                        "CREATE TABLE mine (x integer)",
                    ]
                ),
                (
                    .worker,
                    [
                        "INSERT INTO jobs DEFAULT VALUES", "UPDATE jobs SET state = 'cancelled'", "DELETE FROM outputs",
                        "DELETE FROM tasks", "UPDATE payloads SET payload = ''", "DROP TABLE outputs",
                        "UPDATE schema_migrations SET version = 5",
                    ]
                ),
                (
                    .reader,
                    [
                        "INSERT INTO jobs DEFAULT VALUES", "UPDATE shards SET hinted_at = now()",
                        "DELETE FROM dead_letters",
                        "SELECT 1 FROM tasks FOR UPDATE", "TRUNCATE outputs",
                    ]
                ),
            ]
            for (role, statements) in refused {
                let connection = deployment.connection(try DatabaseURL(url(of: role, in: deployment)))
                #expect(try await connection.query("SELECT job FROM finished_shards").isEmpty)
                for statement in statements {
                    let error = await #expect(throws: PostgresError.self) {
                        try await connection.query(SQL(unsafeRaw: statement))
                    }
                    #expect(error?.sqlstate == "42501", "\(role): \(statement): \(String(describing: error))")
                }
                await connection.close()
            }
        }
    }

    private func url(of role: DatabaseRole, in deployment: TestDeployment) throws -> String {
        try deployment.databaseText(user: role.name(prefix: deployment.name), password: role.rawValue + "-s3cret")
    }

    /// The built commands under each role, on a provisioned deployment.
    private func commands(
        _ deployment: TestDeployment
    ) async throws -> (producer: Commands, worker: Commands, reader: Commands) {
        let path = deployment.store + "/passwords"
        let text = DatabaseRole.allCases.map { "\($0.rawValue)=\($0.rawValue)-s3cret\n" }.joined()
        #expect(
            FileManager.default.createFile(
                atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
        try await deployment.provision(passwords: try PasswordFile(reading: path))
        func commands(_ role: DatabaseRole) throws -> Commands {
            Commands(environment: [
                "AMQP_URL": deployment.brokerText, "DATABASE_URL": try url(of: role, in: deployment),
                "DETDIFFUSION_STORE": deployment.store,
            ])
        }
        return (try commands(.producer), try commands(.worker), try commands(.reader))
    }
}
