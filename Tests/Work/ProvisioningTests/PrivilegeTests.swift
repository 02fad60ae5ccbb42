// The tables of docs/hardening.md that say what each role may do, held against real servers: every action is tried by every
// role, with its own password.

import Fixtures
import Foundation
import JSON
import Postgres
import Testing

@testable import Broker
@testable import Provisioning

@Suite(.enabled(if: TestDeployment.isThere, TestDeployment.missing), .serialized)
struct PrivilegeTests {
    @Test func rolesOfTheDatabaseMayDoWhatTheDocumentSays() async throws {
        let actions = try PrivilegeTable.rows(under: "### PostgreSQL")
        try #require(actions.count > 30)
        try await TestDeployment.run { deployment in
            try await deployment.provisionWithRoles()
            try await Self.fill(deployment)
            for role in DatabaseRole.allCases {
                for action in actions {
                    let isAllowed = try await Self.attempt(action.action, as: role, in: deployment)
                    #expect(isAllowed == action.allowed[role.rawValue], "\(role): \(action.action)")
                }
            }
        }
    }

    @Test func usersOfTheBrokerMayDoWhatTheDocumentSays() async throws {
        let actions = try PrivilegeTable.rows(under: "### RabbitMQ")
        try #require(actions.count > 10)
        try await TestDeployment.run { deployment in
            try await deployment.provisionWithRoles()
            for role in BrokerRole.allCases {
                let url = try BrokerURL(deployment.brokerText(role))
                for action in actions {
                    let isAllowed = try await Self.attempt(action.action, at: url)
                    #expect(isAllowed == action.allowed[role.rawValue], "\(role): \(action.action)")
                }
            }
            let results = await deployment.examine()
            #expect(results.filter { $0.check.hasPrefix("user ") }.notOK == [])
            #expect(results.filter { $0.check.hasPrefix("user ") }.count == 4)
        }
    }

    @Test func migrateAloneGrantsNoMoreThanProvision() async throws {
        try await TestDeployment.run { deployment in
            let commands = Commands(environment: ["DATABASE_URL": deployment.databaseText])
            try commands.succeed("catalogue", ["migrate"])
            let connection = deployment.connection()
            for role in DatabaseRole.allCases {
                // The migrations know the usual names, which the private servers have.
                let account = try await RoleAccount.read(role, prefix: "detdiffusion", on: connection)
                try #require(account.exists)
                #expect(account.excess == [] && account.missing == [], "\(account)")
            }
            await connection.close()
        }
    }

    @Test func theUsersAndPoliciesOfTheStackAreThoseOfTheProgram() async throws {
        let client = ManagementClient(try ManagementURL(Surroundings.variable("RABBITMQ_MANAGEMENT_URL") ?? ""))
        let virtualHost = try BrokerURL(Surroundings.variable("AMQP_URL") ?? "").virtualHost
        let users = try await client.get("vhosts", virtualHost, "permissions").list ?? []
        for role in BrokerRole.allCases {
            let user = try #require(users.first { $0["user"]?.string == role.rawValue })
            let permissions = role.permissions
            #expect(user["configure"]?.string == permissions.configure)
            #expect(user["write"]?.string == permissions.write)
            #expect(user["read"]?.string == permissions.read)
        }
        for policy in WorkPolicy.all {
            let found = try await client.get("policies", virtualHost, policy.name)
            for key in ["pattern", "priority", "definition"] { #expect(found[key] == policy.body[key]) }
        }
    }

    @Test func rightsOfEveryoneAndOfOthersAreToldByDoctor() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.provision()
            let connection = deployment.connection()
            let worker = DatabaseRole.worker.name(prefix: deployment.name)
            let reader = DatabaseRole.reader.name(prefix: deployment.name)
            // None of it is a grant to the role itself.
            try await connection.simple(
                """
                GRANT DELETE ON outputs TO PUBLIC; GRANT TEMPORARY ON DATABASE \(deployment.name) TO PUBLIC;
                GRANT CREATE ON SCHEMA public TO PUBLIC; GRANT \(worker) TO \(reader);
                """)
            let results = await deployment.examine()
            #expect(results.first { $0.check == "role worker" }?.found.contains("DELETE on outputs") == true)
            for check in ["role reader", "temporary tables", "tables and functions", "role attributes"] {
                #expect(results.verdict(check) == .warn, "\(check)")
            }
            try await connection.simple("REVOKE \(worker) FROM \(reader)")
            let steps = try await deployment.provision()
            #expect(steps.first { $0.subject == "everyone's rights" }?.outcome == .done, "\(steps)")
            #expect(await deployment.examine().filter { $0.area == .catalogue }.notOK == [])
            await connection.close()
        }
    }

    // MARK: Trying

    /// A job of two shards, of which a worker holds a task, so that statements have something to be about.
    private static func fill(_ deployment: TestDeployment) async throws {
        let connection = deployment.connection()
        try await connection.simple(
            """
            INSERT INTO jobs (name, kind, capability, lane, specification, specification_sha256, hint_size)
            VALUES ('j', 'generate', 'sketch', 'normal', '{}', sha256('x'), 16);
            INSERT INTO shards (job_id, number, first_task, tasks) VALUES (1, 0, 0, 4), (1, 1, 4, 4);
            INSERT INTO workers (name, host, pid, version, serves, device_class) VALUES ('w', 'h', 1, '1', '{}', 'cpu');
            INSERT INTO leases (worker_id, shard_id, kind, expires_at) VALUES (1, 1, 'generate', now());
            INSERT INTO tasks (shard_id, kind, number, state, lease_id) VALUES (1, 'generate', 0, 'leased', 1);
            INSERT INTO payloads (shard_id, number, image_id, sample, payload) VALUES (1, 0, 1, 0, 'x');
            INSERT INTO dead_letters (queue, message_id, body, reason) VALUES ('q', 'm', 'x', 'r');
            """)
        await connection.close()
    }

    /// Whether the server let the role do it; it is undone.
    private static func attempt(
        _ action: String, as role: DatabaseRole, in deployment: TestDeployment
    ) async throws -> Bool {
        var text = try deployment.databaseText(role)
        var statement = action
        if action.hasPrefix("\\connect ") {
            var parts = try #require(URLComponents(string: text))
            parts.path = "/" + action.dropFirst("\\connect ".count)
            (text, statement) = (try #require(parts.string), "SELECT 1")
        }
        let connection = deployment.connection(try DatabaseURL(text))
        do {
            try await connection.simple("BEGIN; \(statement); ROLLBACK")
            await connection.close()
            return true
        } catch {
            await connection.close()
            guard error.sqlstate == "42501" else { throw error }
            return false
        }
    }

    /// Whether the broker let the user do it.
    private static func attempt(_ action: String, at url: BrokerURL) async throws -> Bool {
        let words = action.split(separator: " ").map(String.init)
        let refusal: BrokerError? = try await BrokerProbe.perform(url) { connection throws(BrokerError) in
            do throws(BrokerError) {
                try act(words, on: connection)
            } catch {
                return error
            }
            return nil
        }
        guard let refusal else { return true }
        try #require(refusal.isMissingRight, "\(action): \(refusal)")
        return false
    }

    private static func act(_ words: [String], on connection: AMQPConnection) throws(BrokerError) {
        switch (words[0], words[1]) {
        case ("publish", let exchange):
            let message = Message(body: Array("x".utf8), type: "x", messageID: "x", correlationID: nil, headers: [:])
            try connection.publish(
                OutgoingMessage(
                    exchange: exchange == "amq.default" ? "" : exchange, routingKey: words[2], message: message,
                    mandatory: false))
            // A refused publish is answered on the channel, before the answer to this.
            _ = try connection.counts(ofQueue: "none")
        case ("declare", "queue"): try connection.declareQueue(words[2])
        case ("declare", _): try connection.declareExchange(words[2])
        case ("delete", "queue"): try connection.deleteQueue(words[2])
        case ("delete", _): try connection.deleteExchange(words[2])
        case ("bind", let queue): try connection.bind(queue: queue, to: words[2], routingKey: "")
        case ("consume", let queue): try connection.consume(queue: queue, tag: "t", prefetch: 1, acknowledges: true)
        case ("listen", let exchange): _ = try connection.declareListener(to: exchange)
        default: throw BrokerError(.invalidURL, "docs/hardening.md: no such action: \(words)")
        }
    }
}

/// A table of docs/hardening.md: an action in each row, then `yes` or `no` for each role.
struct PrivilegeTable {
    let action: String
    let allowed: [String: Bool]

    /// The rows of the table that follows a heading.
    static func rows(under heading: String) throws -> [PrivilegeTable] {
        let document = try String(contentsOfFile: Surroundings.root + "/docs/hardening.md", encoding: .utf8)
        let lines = document.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.hasPrefix(heading) })
        let table = lines[start...].drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") }
        let cells = table.map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
        let roles = try #require(cells.first).dropFirst()
        return try cells.dropFirst(2).map { row in
            try #require(row.count == roles.count + 1, "\(row)")
            try #require(row.dropFirst().allSatisfy { ["yes", "no"].contains($0) }, "\(row)")
            return PrivilegeTable(
                action: row[0].trimmingCharacters(in: ["`"]),
                allowed: Dictionary(uniqueKeysWithValues: zip(roles, row.dropFirst().map { $0 == "yes" })))
        }
    }
}
