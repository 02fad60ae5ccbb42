// `provision` and `doctor` as an operator calls them.

import Fixtures
import Foundation
import Testing

@testable import Provisioning

@Suite(.enabled(if: TestDeployment.isThere, TestDeployment.missing), .serialized)
struct CommandTests {
    @Test func provisionThenDoctorEndWithZeroAndOneJSONObjectALine() async throws {
        try await TestDeployment.run { deployment in
            let commands = commands(deployment)
            let prefix = ["--role-prefix", deployment.name]
            #expect(try commands.run("catalogue", ["doctor"] + prefix).status == 1)
            let steps = try commands.succeed("catalogue", ["provision", "--json"] + prefix).split(separator: "\n")
            for step in steps {
                let decoded = try JSONDecoder().decode(ProvisionStep.self, from: Data(step.utf8))
                #expect(decoded.outcome == .done)
            }
            let doctor = try commands.run("catalogue", ["doctor", "--json"] + prefix)
            let results = try doctor.output.split(separator: "\n").map {
                try JSONDecoder().decode(CheckResult.self, from: Data($0.utf8))
            }
            #expect(results.count > 30)
            let fails = results.contains { $0.verdict == .fail }
            #expect(doctor.status == (fails ? 1 : 0))
        }
    }

    @Test func secretsAreInNoOutputAndWhatIsLeftToAnAdministratorEndsWithOne() async throws {
        try await TestDeployment.run { deployment in
            var commands = commands(deployment)
            commands.environment["RABBITMQ_MANAGEMENT_URL"] = ""
            let result = try commands.run("catalogue", ["provision", "--role-prefix", deployment.name])
            #expect(result.status == 1)
            #expect(result.output.contains("For an administrator of RabbitMQ:\n  rabbitmqctl set_policy"))
            let secrets = [deployment.brokerText, deployment.databaseText].compactMap {
                URLComponents(string: $0)?.password
            }
            for secret in secrets { #expect(!(result.output + result.errors).contains(secret)) }
        }
    }

    @Test func doctorWithoutAnySettingSaysWhatToSet() throws {
        let commands = Commands(environment: [
            "AMQP_URL": "", "DATABASE_URL": "", "DETDIFFUSION_STORE": "", "RABBITMQ_MANAGEMENT_URL": "",
            "DETDIFFUSION_RABBITMQCTL": "",
        ])
        let result = try commands.run("catalogue", ["doctor"])
        #expect(result.status == 1)
        for name in ["AMQP_URL", "DATABASE_URL", "DETDIFFUSION_STORE"] {
            #expect(result.output.contains("fix: set \(name)"))
        }
    }

    private func commands(_ deployment: TestDeployment) -> Commands {
        Commands(environment: [
            "AMQP_URL": deployment.brokerText, "DATABASE_URL": deployment.databaseText,
            "DETDIFFUSION_STORE": deployment.store,
        ])
    }
}
