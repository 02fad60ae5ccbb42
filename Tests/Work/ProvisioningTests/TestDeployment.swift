// A database and a virtual host of a test's own on the real servers, gone afterwards.

import Broker
import Catalogue
import Fixtures
import Foundation
import JSON
import Logging
import Postgres
import Stores
import Tasks
import Testing

@testable import Provisioning

/// What one test sets up and breaks.
struct TestDeployment: Sendable {
    static let isThere = Surroundings.hasServers && Surroundings.variable("RABBITMQ_MANAGEMENT_URL") != nil
    static let missing: Comment =
        "needs RabbitMQ with its management interface and PostgreSQL: run it through ops/test, or set AMQP_URL, DATABASE_URL, DETDIFFUSION_STORE and RABBITMQ_MANAGEMENT_URL"

    static let logger: Logger = {
        var logger = Logger(label: "provisioning.tests")
        logger.logLevel = .critical
        return logger
    }()

    /// Begins the names of everything that the test makes on the servers.
    let name: String
    let brokerURL: BrokerURL
    let brokerText: String
    let database: DatabaseURL
    let databaseText: String
    let management: ManagementURL
    let client: ManagementClient
    let store: String

    /// The address of the test's database for one of its roles.
    func databaseText(user: String, password: String) throws -> String {
        var parts = try #require(URLComponents(string: databaseText))
        (parts.user, parts.password) = (user, password)
        return try #require(parts.string)
    }

    /// The address of the test's virtual host for a user who has one of the broker's roles.
    func brokerText(_ role: BrokerRole) throws -> String {
        var parts = try #require(URLComponents(string: brokerText))
        (parts.user, parts.password) = (brokerUser(role), role.rawValue + "-s3cret")
        return try #require(parts.string)
    }

    private func brokerUser(_ role: BrokerRole) -> String { "\(name)-\(role.rawValue)" }

    /// Makes a user for each of the broker's roles; they are gone with the deployment.
    func addBrokerUsers() async throws {
        for role in BrokerRole.allCases {
            let permissions = role.permissions
            try await client.put(
                "users", brokerUser(role),
                body: .object(["password": .text(role.rawValue + "-s3cret"), "tags": .text("")]))
            try await client.put(
                "permissions", name, brokerUser(role),
                body: .object([
                    "configure": .text(permissions.configure), "write": .text(permissions.write),
                    "read": .text(permissions.read),
                ]))
        }
    }

    /// Sets everything up, with passwords for the database's roles and users for the broker's.
    func provisionWithRoles() async throws {
        let path = store + "/passwords"
        let text = DatabaseRole.allCases.map { "\($0.rawValue)=\($0.rawValue)-s3cret\n" }.joined()
        try #require(
            FileManager.default.createFile(
                atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
        try await provision(passwords: try PasswordFile(reading: path))
        try await addBrokerUsers()
    }

    /// The address of the test's database for one of its roles, after ``provisionWithRoles()``.
    func databaseText(_ role: DatabaseRole) throws -> String {
        try databaseText(user: role.name(prefix: name), password: role.rawValue + "-s3cret")
    }

    func connection(_ url: DatabaseURL? = nil) -> Connection {
        Connection(url: url ?? database, applicationName: "provisioning tests", logger: Self.logger)
    }

    func plan(passwords: PasswordFile? = nil, isDryRun: Bool = false) throws -> Provisioner.Plan {
        try Provisioner.Plan(
            generators: [.init(rawValue: "sketch")], rolePrefix: name, passwords: passwords, isDryRun: isDryRun)
    }

    /// Everything that `provision` does.
    @discardableResult
    func provision(passwords: PasswordFile? = nil, isDryRun: Bool = false) async throws -> [ProvisionStep] {
        let provisioner = Provisioner(plan: try plan(passwords: passwords, isDryRun: isDryRun), logger: Self.logger)
        let ofDatabase = try await provisioner.provision(database: database)
        let ofStore = isDryRun ? [] : [try await provisionStore()]
        return ofDatabase + ofStore + (try await provisioner.provision(broker: brokerURL, management: management))
    }

    /// Makes a folder the object directory, the test's own unless another one is named.
    @discardableResult
    func provisionStore(_ folder: String? = nil, adopts: Bool = false, isDryRun: Bool = false) async throws
        -> ProvisionStep
    {
        let catalogue = Catalogue(connection: connection())
        let step: Result<ProvisionStep, any Error>
        do {
            step = .success(
                try await StoreProvision(
                    catalogue: catalogue, site: FolderSite(folder ?? store), adopts: adopts, isDryRun: isDryRun
                ).run())
        } catch {
            step = .failure(error)
        }
        await catalogue.close()
        return try step.get()
    }

    /// What `doctor` finds, with one part of the subject changed.
    func examine(_ change: (inout Doctor.Subject) -> Void = { _ in }) async -> [CheckResult] {
        var subject = Doctor.Subject(
            broker: .success(brokerURL), management: .success(management),
            controlCommand: Surroundings.variable("DETDIFFUSION_RABBITMQCTL"), database: .success(database),
            store: .success(FolderSite(store)), generators: [.init(rawValue: "sketch")], rolePrefix: name)
        change(&subject)
        return await Doctor(subject, limit: .seconds(20), logger: Self.logger).examine()
    }

    /// Runs `body` with servers of its own as far as it can tell.
    static func run(_ body: (TestDeployment) async throws -> Void) async throws {
        let deployment = try TestDeployment()
        try await deployment.begin()
        let result: Result<Void, any Error>
        do { result = .success(try await body(deployment)) } catch { result = .failure(error) }
        try await deployment.end()
        try result.get()
    }

    private init() throws {
        name = "t" + UUID().uuidString.lowercased().filter { $0 != "-" }.prefix(12)
        var broker = try #require(URLComponents(string: Surroundings.variable("AMQP_URL") ?? ""))
        broker.path = "/" + name
        brokerText = try #require(broker.string)
        brokerURL = try BrokerURL(brokerText)
        var database = try #require(URLComponents(string: Surroundings.variable("DATABASE_URL") ?? ""))
        database.path = "/" + name
        databaseText = try #require(database.string)
        self.database = try DatabaseURL(databaseText)
        management = try ManagementURL(Surroundings.variable("RABBITMQ_MANAGEMENT_URL") ?? "")
        client = ManagementClient(management)
        store = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
    }

    private func begin() async throws {
        try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
        try await client.put("vhosts", name, body: .object([:]))
        try await client.put(
            "permissions", name, brokerURL.user,
            body: .object(["configure": .text(".*"), "write": .text(".*"), "read": .text(".*")]))
        try await onServer("CREATE DATABASE \(identifier: name)")
    }

    private func end() async throws {
        try FileManager.default.removeItem(atPath: store)
        try await client.delete("vhosts", name)
        let users = try await client.get("users").list ?? []
        for user in users.compactMap({ $0["name"]?.string }) where user.hasPrefix(name + "-") {
            try await client.delete("users", user)
        }
        try await dropDatabase()
        for role in DatabaseRole.allCases {
            try await onServer("DROP ROLE IF EXISTS \(identifier: role.name(prefix: name))")
        }
    }

    /// While an autovacuum worker looks at the database, only a superuser may force it out (SQLSTATE 42501); it leaves
    /// by itself.
    private func dropDatabase() async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            do {
                return try await onServer("DROP DATABASE \(identifier: name) WITH (FORCE)")
            } catch let error as PostgresError where error.sqlstate == "42501" && ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    private func onServer(_ statement: SQL) async throws {
        let url = try DatabaseURL(Surroundings.variable("DATABASE_URL") ?? "")
        let connection = connection(url)
        _ = try await connection.execute(statement)
        await connection.close()
    }
}

extension [CheckResult] {
    /// The verdict of a check by its name.
    func verdict(_ check: String) -> CheckResult.Verdict? { first { $0.check == check }?.verdict }
    var notOK: [String] { filter { $0.verdict != .ok }.map { "\($0.verdict) \($0.check): \($0.found)" } }
    var everything: String { map { "\($0.found) \($0.fix ?? "")" }.joined(separator: "\n") }
}
