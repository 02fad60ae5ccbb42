// Bringing a schema up to date, once, whoever else is trying, and noticing when it is not what it claims to be.

import Logging

/// The migrations of a program, oldest first.
///
/// The table `schema_migrations` records what was applied with the SHA-256 of its script, so a script edited after it
/// was applied (drift), and a schema newer than the program, are errors (``PostgresError/Code/migration``).
public struct Migrations: Sendable {
    /// Versions strictly increasing.
    public let migrations: [Migration]

    /// "detdiffu" as a number: everybody who migrates waits for this advisory lock.
    static let lock: Int64 = 0x6465_7464_6966_6675

    /// Takes the migrations, oldest first.
    public init(_ migrations: [Migration]) {
        precondition(
            zip(migrations, migrations.dropFirst()).allSatisfy { $0.version < $1.version },
            "migrations: versions must increase")
        self.migrations = migrations
    }

    /// Applies what is missing, each migration in one transaction with its record.
    ///
    /// Of several that call this at once, one applies and the others wait, at most ten minutes.
    /// - Returns: what this call applied.
    @discardableResult
    public func apply(on connection: Connection) async throws -> [Migration] {
        try await connection.migrate(self)
    }

    /// What ``apply(on:)`` would apply; throws on drift and on a schema newer than the program.
    public func pending(on connection: Connection) async throws(PostgresError) -> [Migration] {
        try await connection.pending(self)
    }
}

extension Connection {
    func migrate(_ migrations: Migrations) throws -> [Migration] {
        try withoutTimeouts {
            _ = try query("SELECT 1 FROM pg_advisory_lock(\(Migrations.lock))")
            return try applyPending(of: migrations)
        }
    }

    private func applyPending(of migrations: Migrations) throws -> [Migration] {
        let pending = try pending(migrations)
        guard !pending.isEmpty else { return [] }
        try simple(
            """
            CREATE TABLE IF NOT EXISTS schema_migrations (
                version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now())
            """)
        for migration in pending { try persistentlyApply(migration) }
        return pending
    }

    /// Applies a migration, again where the server chose it to end a circle of locks with those who work meanwhile.
    private func persistentlyApply(_ migration: Migration) throws {
        for _ in 1..<10 {
            do {
                return try apply(migration)
            } catch let error as PostgresError where error.code == .retryable {
                logger.info("A migration is tried again", metadata: ["migration.name": "\(migration.name)"])
            }
        }
        try apply(migration)
    }

    private func apply(_ migration: Migration) throws {
        do {
            try runTransaction(label: "migration") { connection in
                try connection.simple(migration.sql)
                guard connection.isTransactionOpenOnServer else {
                    throw PostgresError(.migration, "the script must not end its transaction itself")
                }
                _ = try connection.execute(
                    """
                    INSERT INTO schema_migrations (version, name, sha256)
                    VALUES (\(migration.version), \(migration.name), \(sql: Self.digest(of: migration)))
                    """)
            }
        } catch let error as PostgresError {
            throw PostgresError(
                error.code, sqlstate: error.sqlstate,
                "migration \(migration.version) (\(migration.name)) was not applied: \(error.description)")
        }
    }

    func pending(_ migrations: Migrations) throws(PostgresError) -> [Migration] {
        let recorded = try recordedMigrations()
        if let newest = recorded.keys.max(), newest > (migrations.migrations.last?.version ?? 0) {
            throw PostgresError(
                .migration,
                "the schema has migration \(newest), this program knows up to "
                    + "\(migrations.migrations.last?.version ?? 0): upgrade this program"
            )
        }
        let known = Set(migrations.migrations.map(\.version))
        if let unknown = recorded.keys.filter({ !known.contains($0) }).min() {
            throw PostgresError(
                .migration,
                "the schema has migration \(unknown), which this program does not know: it was made by "
                    + "another program or branch"
            )
        }
        var pending: [Migration] = []
        for migration in migrations.migrations {
            guard let digest = recorded[migration.version] else {
                pending.append(migration)
                continue
            }
            try check(migration, recorded: digest)
        }
        return pending
    }

    private func check(_ migration: Migration, recorded: String) throws(PostgresError) {
        let digest = try query("SELECT \(sql: Self.digest(of: migration)) AS sha256")[0].string("sha256")
        guard digest == recorded else {
            throw PostgresError(
                .migration,
                "migration \(migration.version) (\(migration.name)): the schema was made by a script "
                    + "with SHA-256 \(recorded), this program's has \(digest): use the program that made the "
                    + "schema, or undo the edit and add a new migration"
            )
        }
    }

    /// The hashes of what was applied, by version.
    private func recordedMigrations() throws(PostgresError) -> [Int: String] {
        // Not anywhere in the search path, as a bare name would be: what is missing is made in its first schema.
        let place = try query(
            """
            SELECT current_schema()::text AS schema, current_setting('search_path') AS path,
                   to_regclass(quote_ident(current_schema()) || '.schema_migrations') IS NOT NULL AS there
            """)[0]
        guard try place.optionalString("schema") != nil else {
            throw PostgresError(
                .sql("3F000"), sqlstate: "3F000",
                "PostgreSQL \(url): expected a schema in the search path (\(try place.string("path"))) that is there and that "
                    + "this user may use, found none; create it, grant USAGE on it, or correct search_path")
        }
        guard try place.bool("there") else { return [:] }
        var recorded: [Int: String] = [:]
        for row in try query("SELECT version, sha256 FROM schema_migrations") {
            recorded[try row.int("version")] = try row.string("sha256")
        }
        return recorded
    }

    private static func digest(of migration: Migration) -> SQL {
        "encode(sha256(\(Array(migration.sql.utf8))), 'hex')"
    }
}
