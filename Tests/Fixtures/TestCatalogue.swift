// A catalogue of a test's own: a schema that is fresh at first and dropped at the end.

public import Catalogue
import Digests
import Foundation
public import Logging
public import Postgres
public import Tasks

/// A migrated catalogue in its own schema on the server that DATABASE_URL names.
public struct TestCatalogue: Sendable {
    /// The schema's name.
    public let schema: String
    /// The catalogue, over its own connection.
    public let catalogue: Catalogue

    /// Whether a server is there.
    public static var hasServer: Bool { Surroundings.variable("DATABASE_URL") != nil }
    /// What a skipped test says.
    public static let serverMissing = "needs PostgreSQL: run it through ops/test, or set DATABASE_URL"

    /// A logger that says nothing.
    public static var quietLogger: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    /// Runs `body` with a fresh catalogue.
    /// - Parameter version: that of its schema, where it is an earlier one than this program's.
    public static func with(
        version: Int? = nil, _ body: (TestCatalogue) async throws -> Void
    ) async throws {
        let schema = "test_" + UUID().uuidString.prefix(13).lowercased().replacing("-", with: "")
        let test = TestCatalogue(schema: schema, catalogue: Catalogue(connection: try connection(schema: schema)))
        try await test.catalogue.connection.simple("CREATE SCHEMA \(schema)")
        let outcome: Result<Void, any Error>
        do {
            if let version {
                let earlier = Catalogue.migrations.filter { $0.version <= version }
                try await Migrations(earlier).apply(on: test.catalogue.connection)
            } else {
                _ = try await test.catalogue.migrate()
            }
            outcome = .success(try await body(test))
        } catch {
            outcome = .failure(error)
        }
        try await test.catalogue.connection.simple("DROP SCHEMA \(schema) CASCADE")
        await test.catalogue.close()
        try outcome.get()
    }

    /// The same catalogue over another connection.
    public func another() throws -> Catalogue { Catalogue(connection: try Self.connection(schema: schema)) }

    private static func connection(schema: String) throws -> Connection {
        Connection(
            url: try DatabaseURL(Surroundings.variable("DATABASE_URL") ?? ""), applicationName: schema,
            settings: ["search_path": schema], logger: quietLogger)
    }

    /// DATABASE_URL for commands, with this schema.
    public var url: String {
        let url = Surroundings.variable("DATABASE_URL") ?? ""
        return url + (url.contains("?") ? "&" : "?") + "options=-csearch_path%3D\(schema)"
    }

    /// Makes a folder the catalogue's object directory, as a user does.
    public func provision(store folder: String) throws {
        try Commands(environment: ["DATABASE_URL": url, "DETDIFFUSION_STORE": folder]).succeed("catalogue", ["migrate"])
    }

    /// Changes rows behind the catalogue's back.
    @discardableResult
    public func execute(_ sql: SQL) async throws -> Int { try await catalogue.connection.execute(sql) }

    /// Takes a table's rules of what rows can be away, so that it can hold what was there before them.
    public func withoutRules(_ table: String) async throws {
        let rules = try await catalogue.connection.query(
            """
            SELECT conname::text AS name FROM pg_constraint
            WHERE conrelid = \(table)::regclass AND contype = 'c' AND conname LIKE '%\\_range'
            """)
        for rule in rules {
            try await execute(
                "ALTER TABLE \(identifier: table) DROP CONSTRAINT \(identifier: try rule.string("name"))")
        }
        // Of the other tables the triggers do the work.
        if table == "shards" { try await execute("ALTER TABLE shards DISABLE TRIGGER USER") }
    }

    /// The only number that a query returns.
    public func number(_ sql: SQL) async throws -> Int {
        let rows = try await catalogue.connection.query(sql)
        guard rows.count == 1 else { throw ProcessFailure("expected one row, found \(rows.count)") }
        return try rows[0][0, as: Int.self]
    }

    /// Enqueues a job of generate tasks, or of another kind, whose payloads are given.
    public func enqueue(
        _ name: String, tasks: Int, shardSize: Int, maximumAttempts: Int = 5, lane: Lane = .normal,
        specification: String? = nil, kind: TaskKind = .generate, followUp: FollowUp? = .packing,
        after: JobPredecessor? = nil,
        payload: @escaping @Sendable (Int) throws -> [UInt8] = { Array("task \($0)".utf8) }
    ) async throws -> EnqueuedJob {
        var draft = JobDraft(
            name: name, kind: kind, capability: Capability(rawValue: "sketch"), lane: lane, strategy: "hard",
            specification: specification ?? "{\"name\":\"\(name)\"}", categories: "[]", statistics: "{}",
            followUp: followUp, shardSize: shardSize, hintSize: shardSize, maximumAttempts: maximumAttempts)
        draft.after = after
        return try await catalogue.enqueue(draft, taskCount: tasks) { number in
            TaskDraft(imageID: 100 + number, sample: 0, payload: try payload(number))
        }
    }

    /// Registers a worker that generates and packs.
    public func register(_ name: String = "test") async throws -> Int64 {
        let serves = [
            HandlerDescription(
                kind: .generate, capability: Capability(rawValue: "sketch"), maximumBatch: 16, deviceClass: "test-1"),
            HandlerDescription(
                kind: .pack, capability: .archive, maximumBatch: 1, deviceClass: "archive-1", needsDevice: false),
        ]
        return try await catalogue.register(
            WorkerIntroduction(name: name, host: "test", pid: 1, version: "test", serves: serves))
    }
}
