// What doctor finds on real servers, well or broken in one place.

import Broker
import Fixtures
import Foundation
import JSON
import Postgres
import Stores
import Testing

@testable import Provisioning

@Suite(.enabled(if: TestDeployment.isThere, TestDeployment.missing), .serialized)
struct DoctorTests {
    @Test func aProvisionedDeploymentIsInOrder() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.provision()
            let results = await deployment.examine()
            // Where the tests run decides on these: a container's or memory's file system, and whether rabbitmqctl is known.
            let depends: Set<String> = ["file system", "consumer timeout", "free space"]
            #expect(results.filter { !depends.contains($0.check) }.notOK == [])
            #expect(Set(results.map(\.area)) == Set(CheckResult.Area.allCases))
        }
    }

    @Test func aMissingPolicyAndOneThatWouldLoseMessagesFail() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.provision()
            try await deployment.client.delete("policies", deployment.name, WorkPolicy.work.name)
            let without = await deployment.examine()
            #expect(without.verdict("policy generate.sketch") == .fail)
            #expect(
                without.first { $0.check == "policy pack.archive.high" }?.fix?.contains("rabbitmqctl set_policy")
                    == true)
            var body = try #require(WorkPolicy.work.body.object)
            body["definition"] = .object(["delivery-limit": .number(1)])
            try await deployment.client.put("policies", deployment.name, "own", body: .object(body))
            let weak = await deployment.examine().first { $0.check == "policy generate.sketch" }
            #expect(weak?.verdict == .fail)
            #expect(
                weak?.found.contains(
                    "dead-letter-exchange is not set, dead-letter-strategy is not set, delivery-limit is 1") == true)
        }
    }

    @Test func aMissingQueueAndOneOfAnotherTypeFail() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.provision()
            let queue = "detdiffusion.v1.pack.archive"
            try await deployment.client.delete("queues", deployment.name, queue)
            #expect(await deployment.examine().verdict("queue pack.archive") == .fail)
            try await deployment.client.put(
                "queues", deployment.name, queue, body: .object(["durable": .flag(true), "arguments": .object([:])]))
            let result = await deployment.examine().first { $0.check == "queue pack.archive" }
            #expect(result?.verdict == .fail)
            #expect(result?.found.contains("classic") == true)
            await #expect(throws: BrokerError.self) { try await deployment.provision() }
        }
    }

    @Test func withoutManagementItSaysHowToLook() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.provision()
            let results = await deployment.examine { $0.management = nil }
            #expect(results.verdict("policies") == .warn)
            #expect(results.verdict("queue generate.sketch") == .ok)
            #expect(!results.contains { $0.verdict == .fail && $0.area == .rabbitMQ })
        }
    }

    @Test func aSchemaThatIsMissingOrDriftedFails() async throws {
        try await TestDeployment.run { deployment in
            let fresh = await deployment.examine()
            #expect(fresh.verdict("schema") == .fail)
            #expect(fresh.first { $0.check == "schema" }?.fix?.contains("migrate") == true)
            try await deployment.provision()
            let connection = deployment.connection()
            _ = try await connection.execute("UPDATE schema_migrations SET sha256 = 'edited' WHERE version = 2")
            let drifted = await deployment.examine().first { $0.check == "schema" }
            #expect(drifted?.verdict == .fail)
            #expect(drifted?.found.contains("SHA-256 edited") == true)
            _ = try await connection.execute(
                "UPDATE schema_migrations SET version = 9999 WHERE version = 2")
            #expect(await deployment.examine().first { $0.check == "schema" }?.found.contains("9999") == true)
            await connection.close()
        }
    }

    @Test func aWrongPasswordFailsAndIsNotShown() async throws {
        try await TestDeployment.run { deployment in
            let wrong = "Wr0ng-" + deployment.name
            var parts = try #require(URLComponents(string: deployment.brokerText))
            parts.password = wrong
            let broker = try BrokerURL(#require(parts.string))
            let user = try #require(deployment.database.user)
            let database = try DatabaseURL(deployment.databaseText(user: user, password: wrong))
            parts = try #require(URLComponents(string: Surroundings.variable("RABBITMQ_MANAGEMENT_URL") ?? ""))
            parts.password = wrong
            let management = try ManagementURL(#require(parts.string))
            let results = await deployment.examine {
                $0.broker = .success(broker)
                $0.database = .success(database)
                $0.management = .success(management)
            }
            #expect(results.first { $0.area == .rabbitMQ && $0.check == "reachable" }?.verdict == .fail)
            #expect(results.first { $0.area == .postgreSQL && $0.check == "reachable" }?.verdict == .fail)
            #expect(results.first { $0.check == "management" }?.found.contains("refused to the user") == true)
            #expect(!results.everything.contains(wrong))
        }
    }

    @Test func aStoreThatIsNotTheCataloguesFails() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.provision()
            let folder = deployment.store + "/other"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let empty = await deployment.examine { $0.store = .success(FolderSite(folder)) }.first {
                $0.check == "identity"
            }
            #expect(
                empty?.verdict == .fail && empty?.found.contains("database \(deployment.name)") == true,
                "\(empty as Any)")
            try FolderSite(folder).claim(
                for: StoreIdentity(catalogue: String(repeating: "d", count: 32), place: "database d, at d:1"))
            let foreign = await deployment.examine { $0.store = .success(FolderSite(folder)) }.first {
                $0.check == "identity"
            }
            #expect(foreign?.verdict == .fail)
            for side in ["database d, at d:1", "database \(deployment.name)"] {
                #expect(foreign?.found.contains(side) == true, "\(foreign as Any)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [StoreIdentity.fileName])
        }
    }

    @Test func closedPortsFailAndTheStoreIsStillExamined() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.provision()
            let port = try ClosedPort()
            let broker = try BrokerURL("amqp://user:s3cret@127.0.0.1:\(port.number)/v")
            let database = try DatabaseURL("postgresql://user:s3cret@127.0.0.1:\(port.number)/d")
            let management = try ManagementURL("http://user:s3cret@127.0.0.1:\(port.number)")
            let results = await deployment.examine {
                $0.broker = .success(broker)
                $0.database = .success(database)
                $0.management = .success(management)
            }
            #expect(results.filter { $0.check == "reachable" }.map(\.verdict) == [.fail, .fail])
            #expect(results.verdict("management") == .fail)
            #expect(results.verdict("writable") == .ok && results.verdict("identity") == .warn)
            #expect(!results.everything.contains("s3cret"))
        }
    }

    @Test func workThatNeedsAPersonIsAWarning() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.provision()
            let connection = deployment.connection()
            try await connection.simple(
                """
                INSERT INTO jobs (name, kind, capability, lane, specification, specification_sha256, hint_size)
                VALUES ('j', 'generate', 'sketch', 'normal', '{}', sha256('x'), 16);
                INSERT INTO shards (job_id, number, first_task, tasks, dead, state) VALUES (1, 0, 0, 4, 2, 'open'), (1, 1, 4, 4, 0, 'quarantined');
                INSERT INTO workers (name, host, pid, version, serves, device_class, seen_at)
                VALUES ('w', 'h', 1, '1', '{}', 'cpu', now() - interval '1 hour');
                INSERT INTO leases (worker_id, shard_id, kind, expires_at) VALUES (1, 1, 'generate', now() - interval '11 minutes');
                INSERT INTO dead_letters (queue, message_id, body, reason) VALUES ('q', 'm', 'x', 'not JSON');
                """)
            let results = await deployment.examine()
            let checks = ["dead tasks", "quarantined shards", "unreadable messages", "expired leases"]
            #expect(checks.map { results.verdict($0) } == [.warn, .warn, .warn, .warn])
            #expect(results.first { $0.check == "expired leases" }?.found.contains("no worker runs") == true)
            await connection.close()
        }
    }
}

/// A loopback port on which nobody listens as long as this lives: bound, never listening.
final class ClosedPort {
    let number: UInt16
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        try #require(isBound)
        number = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }
}
