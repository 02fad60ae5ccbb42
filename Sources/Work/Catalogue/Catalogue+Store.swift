// The object directory's side of the catalogue: whose it is, and what shows that a folder is it.

public import Digests
import Postgres

/// What an object directory carries to say that it belongs to a catalogue.
public struct CatalogueIdentity: Sendable, Hashable {
    /// 32 hexadecimal digits, chosen when the schema was made; a restored catalogue keeps them.
    public var id: String
    /// Where the catalogue is, for people: database, schema, server; never a user or a password.
    public var place: String
}

/// A file that a worker has stored and the catalogue has recorded.
public enum RecordedFile: Sendable, Hashable {
    /// A finished shard's archive, by its job and number, and its size.
    case archive(job: String, number: Int, bytes: Int)
    /// A loose image of a shard that is not finished.
    case image(digest: SHA256Digest, bytes: Int)
}

/// What the catalogue knows of its object directory before a folder becomes it.
public struct StoreClaim: Sendable {
    /// What the folder has to carry.
    public var identity: CatalogueIdentity
    /// Whether an object directory was provisioned before.
    public var isProvisioned: Bool
    /// Some of the files that must be in it, at most 64; empty where nothing was ever recorded.
    public var recorded: [RecordedFile]
}

extension Catalogue {
    /// What the object directory of this catalogue carries.
    public func identity() async throws -> CatalogueIdentity {
        try Self.identity(
            try await connection.query(Self.identityStatement).one("SELECT id FROM store_identity"), at: connection.url)
    }

    /// Provisions the object directory, one caller at a time.
    /// - Parameter body: looks at the folder and writes into it, or throws; runs on the connection's thread while the
    ///   identity is locked.
    public func provisionStore<Result: Sendable>(
        _ body: @Sendable (StoreClaim) throws -> Result
    ) async throws -> Result {
        try await transaction("provision-store") { connection in
            _ = try connection.query("SELECT id FROM store_identity FOR UPDATE")
            let result = try body(try Self.storeClaim(on: connection))
            _ = try connection.execute("UPDATE store_identity SET provisioned_at = coalesce(provisioned_at, now())")
            return result
        }
    }

    /// What ``provisionStore(_:)`` would hand to its body now; changes nothing.
    public func storeClaim() async throws -> StoreClaim {
        try await snapshot("store-claim") { connection in try Self.storeClaim(on: connection) }
    }

    private static func storeClaim(on connection: isolated Connection) throws -> StoreClaim {
        let row = try connection.query(identityStatement).one("SELECT id FROM store_identity")
        return StoreClaim(
            identity: try identity(row, at: connection.url), isProvisioned: try row.bool("provisioned"),
            recorded: try recordedFiles(on: connection))
    }

    private static let identityStatement: SQL = """
        SELECT id, provisioned_at IS NOT NULL AS provisioned, current_database()::text AS database,
               coalesce(current_schema()::text, 'public') AS schema
        FROM store_identity
        """

    private static func identity(_ row: Row, at url: DatabaseURL) throws -> CatalogueIdentity {
        let schema = try row.string("schema")
        let place =
            "database \(try row.string("database"))" + (schema == "public" ? "" : ", schema \(schema)")
            + ", at \(url.host):\(url.port)"
        return CatalogueIdentity(id: try row.string("id"), place: place)
    }

    /// A few archives and a few loose images of the newest jobs, found by key.
    private static func recordedFiles(on connection: isolated Connection) throws -> [RecordedFile] {
        let archives = try connection.query(
            """
            SELECT j.name, s.number, s.tar_bytes
            FROM (SELECT id, name FROM jobs ORDER BY id DESC LIMIT 100) j CROSS JOIN LATERAL (
                SELECT number, tar_bytes FROM shards WHERE job_id = j.id AND state = 'finished' ORDER BY number LIMIT 4) s
            WHERE s.tar_bytes IS NOT NULL LIMIT 32
            """
        ).map { row in
            RecordedFile.archive(
                job: try row.string("name"), number: try row.int("number"), bytes: try row.int("tar_bytes"))
        }
        let images = try connection.query(
            """
            SELECT o.sha256, o.bytes FROM (SELECT id FROM jobs ORDER BY id DESC LIMIT 100) j CROSS JOIN LATERAL (
                SELECT id FROM shards WHERE job_id = j.id AND state IN ('open', 'generated') AND done > 0
                ORDER BY number LIMIT 4) s
            CROSS JOIN LATERAL (
                SELECT sha256, bytes FROM outputs WHERE shard_id = s.id AND lost_at IS NULL ORDER BY number LIMIT 4) o
            LIMIT 32
            """
        ).map { row in
            RecordedFile.image(digest: try SHA256Digest(column: "sha256", of: row), bytes: try row.int("bytes"))
        }
        return archives + images
    }
}
