// One step of a schema.

/// A numbered script that changes the schema; once released it is never edited, only followed by another.
public struct Migration: Sendable, Hashable {
    /// Its place in the order, from 1.
    public let version: Int
    /// What it does, for people.
    public let name: String
    /// Its statements; they run in one transaction, so it holds no COMMIT.
    public let sql: String

    /// Describes a migration.
    public init(version: Int, name: String, sql: String) {
        self.version = version
        self.name = name
        self.sql = sql
    }
}
