// A schema of its own for each test that needs a server.

import Foundation
import Logging
import Postgres
import Testing

/// The server that the tests use, from DATABASE_URL.
enum TestServer {
    static let url = ProcessInfo.processInfo.environment["DATABASE_URL"]
    static var isThere: Bool { url != nil }
    static let missing: Comment = "DATABASE_URL is not set: tests against PostgreSQL are left out"

    static func address() throws -> DatabaseURL { try DatabaseURL(url ?? "") }

    static var quietLogger: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// All tests that need a server, one after the other, since a server has few connections.
@Suite(.serialized, .enabled(if: TestServer.isThere, TestServer.missing))
enum ServerTests {}

/// A schema that is empty at first and dropped at the end.
struct TestSchema: Sendable, Codable {
    let name: String

    static func with(_ body: (TestSchema) async throws -> Void) async throws {
        let schema = TestSchema(name: "test_" + UUID().uuidString.prefix(8).lowercased())
        let connection = try schema.connection()
        try await connection.simple("CREATE SCHEMA \(schema.name)")
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(schema)) } catch { outcome = .failure(error) }
        try await connection.simple("DROP SCHEMA \(schema.name) CASCADE")
        try outcome.get()
    }

    /// A new connection whose tables are those of this schema.
    func connection(
        settings: [String: String] = [:], statementTimeout: Duration? = .seconds(60)
    ) throws -> Connection {
        Connection(
            url: try TestServer.address(), applicationName: name,
            settings: settings.merging(["search_path": name]) { given, _ in given },
            statementTimeout: statementTimeout, logger: TestServer.quietLogger)
    }
}

/// The error of a call that should have failed.
func postgresError(_ body: () async throws -> Void) async -> PostgresError? {
    do {
        try await body()
    } catch let error as PostgresError {
        return error
    } catch {
        Issue.record("expected a PostgresError, found \(error)")
    }
    return nil
}
