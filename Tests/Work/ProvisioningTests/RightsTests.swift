// What each role can and cannot do, tried out with real commands; PrivilegeTests has single actions.

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
            let example = deployment.store + "/example.json"
            let enqueue = [
                "enqueue", "--job", "rights", "--annotations", example, "--subset", "trainability", "--strategy",
                "hard",
                "--generator", "sketch", "--shard-size", "10", "--hint-size", "5", "--limit",
            ]
            let work = ["run", "--exit-when-idle", "0.5", "--lease", "1", "--hint-horizon", "0.2"]
            try commands.producer.succeed("producer", ["example", "--out", example, "--seed", "0"])
            #expect(try commands.worker.run("producer", enqueue + ["15"]).status == 77)
            #expect(try commands.reader.run("producer", enqueue + ["15"]).status == 77)
            try commands.producer.succeed("producer", enqueue + ["15"])
            // Other hint sizes and attempts for a job that is there: its producer may say so.
            try commands.producer.succeed("producer", enqueue + ["20", "--max-attempts", "4"])
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

    /// The built commands under each role, on a provisioned deployment.
    private func commands(
        _ deployment: TestDeployment
    ) async throws -> (producer: Commands, worker: Commands, reader: Commands) {
        try await deployment.provisionWithRoles()
        func commands(_ role: DatabaseRole, _ user: BrokerRole) throws -> Commands {
            Commands(environment: [
                "AMQP_URL": try deployment.brokerText(user), "DATABASE_URL": try deployment.databaseText(role),
                "DETDIFFUSION_STORE": deployment.store,
            ])
        }
        return (try commands(.producer, .producer), try commands(.worker, .worker), try commands(.reader, .reader))
    }
}
