// The schema, embedded from schemas/catalogue.

import CSchemas
public import Postgres

extension Catalogue {
    /// The migrations of this program, oldest first.
    public static let migrations: [Migration] = (0..<detdiffusion_migration_count()).map { index in
        let embedded = detdiffusion_migration_at(index)
        let file = String(cString: embedded.name)
        let parts = file.split(separator: "_", maxSplits: 1)
        guard parts.count == 2, let version = Int(parts[0]) else {
            preconditionFailure("schemas/catalogue: expected NNNN_name.sql, found \(file).sql")
        }
        return Migration(version: version, name: String(parts[1]), sql: String(cString: embedded.sql))
    }

    /// Applies what is missing, once, under an advisory lock; refuses a schema that drifted or is newer. Constraints that
    /// came after their rows are held against these, too; ``brokenRules()`` says which rows break them.
    /// - Returns: what was applied by this call.
    public func migrate() async throws -> [Migration] {
        let applied = try await Migrations(Self.migrations).apply(on: connection)
        try await validateRules()
        return applied
    }

    /// What ``migrate()`` would apply; throws when the schema drifted or is newer than this program.
    public func pendingMigrations() async throws -> [Migration] {
        try await Migrations(Self.migrations).pending(on: connection)
    }

    /// Refuses to work on a schema that this program does not know.
    public func requireCurrentSchema() async throws {
        let pending = try await pendingMigrations()
        guard pending.isEmpty else {
            throw CatalogueError(
                .refused,
                "catalogue schema: expected version \(Self.migrations.last?.version ?? 0), found "
                    + "\(pending.count) migration(s) not applied; run `detdiffusion-catalogue migrate`"
            )
        }
    }
}
