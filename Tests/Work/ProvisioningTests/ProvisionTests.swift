// Setting up real servers, and setting them up again.

import Catalogue
import Fixtures
import Foundation
import JSON
import Postgres
import Stores
import Testing

@testable import Provisioning

@Suite(.enabled(if: TestDeployment.isThere, TestDeployment.missing), .serialized)
struct ProvisionTests {
    @Test func aFreshBrokerAndDatabaseAreSetUpAndASecondRunFindsEverythingThere() async throws {
        try await TestDeployment.run { deployment in
            let planned = try await deployment.provision(isDryRun: true)
            #expect(planned.allSatisfy { $0.outcome == .planned })
            let first = try await deployment.provision()
            #expect(first.allSatisfy { $0.outcome == .done }, "\(first)")
            let second = try await deployment.provision()
            #expect(second.allSatisfy { $0.outcome == .present }, "\(second.filter { $0.outcome != .present })")
            #expect(second.map(\.subject) == first.map(\.subject))
            let dry = try await deployment.provision(isDryRun: true)
            #expect(dry == second.filter { $0.area != .store })
        }
    }

    @Test func aDryRunChangesNothing() async throws {
        try await TestDeployment.run { deployment in
            _ = try await deployment.provision(isDryRun: true)
            let tables = try await deployment.connection().query(
                "SELECT count(*)::integer AS count FROM pg_class WHERE relnamespace = 'public'::regnamespace")
            #expect(try tables.first?.int("count") == 0)
            #expect(try await deployment.client.get("queues", deployment.name) == .list([]))
            #expect(try await deployment.client.get("policies", deployment.name) == .list([]))
        }
    }

    @Test func rightsThatSomebodyChangedAreMadeExactAgain() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.provision()
            let connection = deployment.connection()
            let (reader, worker) = (
                DatabaseRole.reader.name(prefix: deployment.name), DatabaseRole.worker.name(prefix: deployment.name)
            )
            _ = try await connection.execute("GRANT DELETE ON outputs TO \(identifier: reader)")
            _ = try await connection.execute("REVOKE UPDATE ON leases FROM \(identifier: worker)")
            let results = await deployment.examine()
            #expect(results.verdict("role reader") == .warn)
            #expect(results.verdict("role worker") == .fail)
            let steps = try await deployment.provision()
            #expect(
                steps.filter { $0.outcome == .done }.map(\.detail) == [
                    "granted: UPDATE (expires_at) on leases", "revoked: DELETE on outputs",
                ])
            #expect(await deployment.examine().verdict("role worker") == .ok)
            await connection.close()
        }
    }

    @Test func withoutManagementThePolicyIsACommandForAnAdministrator() async throws {
        try await TestDeployment.run { deployment in
            let provisioner = Provisioner(plan: try deployment.plan(), logger: TestDeployment.logger)
            let steps = try await provisioner.provision(broker: deployment.brokerURL, management: nil)
            let policies = steps.suffix(2)
            #expect(policies.allSatisfy { $0.outcome == .todo })
            #expect(
                policies.map(\.instructions) == WorkPolicy.all.map { [$0.command(virtualHost: deployment.name)] })
        }
    }

    @Test func aUserWithoutTheRightsGetsTheExactStatementsForAnAdministrator() async throws {
        try await TestDeployment.run { deployment in
            let passwords = try passwordFile(in: deployment.store)
            try await deployment.provision(passwords: passwords)
            // The worker's role may neither make roles nor grant; it provides for roles that do not exist.
            let user = DatabaseRole.worker.name(prefix: deployment.name)
            let url = try DatabaseURL(deployment.databaseText(user: user, password: "w0rker"))
            let plan = try Provisioner.Plan(generators: [], rolePrefix: "other")
            let steps = try await Provisioner(plan: plan, logger: TestDeployment.logger).provision(database: url)
            #expect(steps.first?.outcome == .todo)
            #expect(steps.first?.instructions == ["CREATE ROLE other_producer LOGIN;", #"\password other_producer"#])
            let catalogue = Catalogue(connection: deployment.connection(url))
            let ofStore = try await StoreProvision(catalogue: catalogue, site: FolderSite(deployment.store)).run()
            #expect(ofStore.outcome == .todo && ofStore.instructions.count == 1, "\(ofStore)")
            await catalogue.close()
            let grants = steps.filter { $0.subject.hasPrefix("rights") }
            #expect(grants.allSatisfy { $0.outcome == .todo })
            #expect(
                grants.first?.instructions.contains("GRANT UPDATE (hinted_at) ON public.shards TO other_producer;")
                    == true)
        }
    }

    @Test func passwordsOfTheFileLetTheRolesLogIn() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.provision(passwords: try passwordFile(in: deployment.store))
            for (role, password) in [(DatabaseRole.producer, "pr0ducer"), (.worker, "w0rker"), (.reader, "r'e\\ader")] {
                let text = try deployment.databaseText(user: role.name(prefix: deployment.name), password: password)
                let connection = deployment.connection(try DatabaseURL(text))
                #expect(
                    try await connection.query("SELECT count(*)::integer AS count FROM jobs").first?.int("count") == 0)
                await connection.close()
            }
        }
    }

    private func passwordFile(in folder: String) throws -> PasswordFile {
        let path = folder + "/passwords"
        let text = "# roles\nproducer=pr0ducer\nworker=w0rker\nreader=r'e\\ader\n"
        #expect(
            FileManager.default.createFile(
                atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
        return try PasswordFile(reading: path)
    }
}
