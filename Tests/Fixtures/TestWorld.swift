// A catalogue and an object directory of a test's own, for the built commands.

import Foundation

/// An empty catalogue, as a schema of the test database, and an empty object directory; the broker is everybody's.
public final class TestWorld: Sendable {
    /// The schema.
    public let schema: String
    /// A folder for the test's files.
    public let folder: String
    /// Commands that use this world.
    public let commands: Commands
    /// The object directory.
    public var store: String { folder + "/store" }

    /// Makes a world with a migrated catalogue and its object directory.
    public init(_ prefix: String) throws {
        schema = prefix + "_" + UUID().uuidString.lowercased().replacing("-", with: "").prefix(12)
        folder = FileManager.default.temporaryDirectory.path + "/" + schema
        try FileManager.default.createDirectory(atPath: folder + "/store", withIntermediateDirectories: true)
        guard let url = Surroundings.variable("DATABASE_URL") else { throw ProcessFailure(Surroundings.serversMissing) }
        commands = Commands(environment: [
            "DATABASE_URL": Self.url(url, schema: schema), "DETDIFFUSION_STORE": folder + "/store",
        ])
        _ = try Self.psql("CREATE SCHEMA \(schema)")
        try commands.succeed("catalogue", ["migrate"])
    }

    /// Removes the schema and the files.
    public func remove() throws {
        _ = try Self.psql("DROP SCHEMA \(schema) CASCADE")
        try FileManager.default.removeItem(atPath: folder)
    }

    /// Runs `body` in its own world, which is removed when everything in it held.
    public static func with(_ prefix: String, _ body: (TestWorld) throws -> Void) throws {
        let world = try TestWorld(prefix)
        try body(world)
        try world.remove()
    }

    /// The rows of a query command as JSON objects.
    public func records(_ query: String, _ arguments: [String] = []) throws -> [[String: Any]] {
        try commands.succeed("catalogue", [query, "--json"] + arguments).split(separator: "\n").map { line in
            guard let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                throw ProcessFailure("\(query) --json: expected an object, found \(line)")
            }
            return record
        }
    }

    /// The lines that a statement returns in this world's schema, columns separated by `|`.
    @discardableResult
    public func sql(_ statement: String) throws -> [String] {
        try Self.psql(statement, schema: schema).split(separator: "\n").map(String.init)
    }

    /// Asks again and again until `condition` holds.
    public func wait(for what: String, limit: Duration = .seconds(60), until condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + limit
        while try !condition() {
            guard ContinuousClock.now < deadline else { throw ProcessFailure("waited \(limit) for \(what)") }
            usleep(20_000)
        }
    }

    /// `url` with a search path; schemas are shared by all roles of a server.
    public static func url(_ url: String, schema: String) -> String {
        url + (url.contains("?") ? "&" : "?") + "options=-csearch_path%3D\(schema)"
    }

    private static func psql(_ statement: String, schema: String = "public") throws -> String {
        let result = try RunningProcess(
            "/usr/bin/env",
            ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement, Surroundings.variable("DATABASE_URL") ?? ""],
            environment: ["PGOPTIONS": "-c client_min_messages=warning -c search_path=\(schema)"]
        ).wait()
        guard result.status == 0 else { throw ProcessFailure("psql: \(result.errors)") }
        return result.output
    }
}

extension TestWorld {
    /// A worker with short times, until nothing is left to do.
    public static let worker = [
        "run", "--lease", "1.5", "--hint-horizon", "0.5", "--retry-delay", "0.05", "--exit-when-idle", "0.7",
    ]

    /// Enqueues a small job over the bundled example set: shards of 8, hints of 4.
    public func enqueue(_ job: String, limit: Int, _ more: [String] = []) throws {
        let annotations = folder + "/example.json"
        if !FileManager.default.fileExists(atPath: annotations) {
            try commands.succeed("producer", ["example", "--out", annotations])
        }
        try commands.succeed(
            "producer",
            [
                "enqueue", "--job", job, "--annotations", annotations, "--strategy", "hard", "--limit", "\(limit)",
                "--shard-size", "8", "--hint-size", "4", "--size", "64x48",
            ] + more)
    }
}
