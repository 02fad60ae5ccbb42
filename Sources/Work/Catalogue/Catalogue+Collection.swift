// What garbage collection asks: which files somebody still needs, and which were never this catalogue's.

public import Digests
import Postgres
import Tasks

/// What an archive in the object directory is to the catalogue.
public enum ArchiveFate: Sendable {
    /// Its shard exists and is not cancelled.
    case needed
    /// Its shard is cancelled, or its job was purged.
    case removable
    /// No shard of this job and number was ever here.
    case unknown
}

extension Catalogue {
    /// At most `limit` shards of all jobs in the order of their rows, those behind the row `id`.
    public func shardRows(after id: Int64, limit: Int) async throws -> [ShardRow] {
        try await connection.query(
            ShardRow.query(where: "s.id > \(id)", order: "s.id", limit: limit)
        ).map(ShardRow.init(row:))
    }

    /// Outputs that one statement returns at most.
    private static let outputsPerStatement = 10_000

    /// Hands the digests of what a shard has recorded and not lost to `body`, those between two digests.
    public func forEachDigest(
        recordedBy shard: Int64, from first: SHA256Digest, through last: SHA256Digest, _ body: (SHA256Digest) -> Void
    ) async throws {
        var number = Int(Int32.min)
        while true {
            // One shard and a place in it: rows come from the key in its order, and no more of them than are returned.
            let rows = try await connection.query(
                """
                SELECT number, sha256 FROM outputs
                WHERE shard_id = \(shard) AND number > \(number) AND lost_at IS NULL
                  AND sha256 >= \(first.bytes) AND sha256 <= \(last.bytes)
                ORDER BY number LIMIT \(Self.outputsPerStatement)
                """, prepared: true)
            for row in rows { body(try SHA256Digest(column: "sha256", of: row)) }
            guard rows.count == Self.outputsPerStatement, let end = rows.last else { return }
            number = try end.int("number")
        }
    }

    /// Seconds since the oldest lease was acquired, 0 without leases. What its holder has stored may not be recorded
    /// yet, however long the catalogue was away.
    public func oldestLeaseAge() async throws -> Double {
        try await connection.query(
            "SELECT coalesce(extract(epoch FROM now() - min(acquired_at) FILTER (WHERE isfinite(acquired_at))), 0)::double precision AS age FROM leases"
        ).one("SELECT min(acquired_at)").double("age")
    }

    /// What the archives of a job's shards are, by the shards' numbers.
    /// - Parameter shards: a thousand at most.
    public func archiveFates(job name: String, shards: [Int]) async throws -> [Int: ArchiveFate] {
        let rows = try await connection.query(
            """
            SELECT n.number, s.state::text AS state,
                   EXISTS (SELECT FROM purged_shards p WHERE p.job = \(name) AND p.number = n.number) AS purged
            FROM unnest(\(shards)) AS n (number)
            LEFT JOIN jobs j ON j.name = \(name)
            LEFT JOIN shards s ON s.job_id = j.id AND s.number = n.number
            """)
        var fates: [Int: ArchiveFate] = [:]
        for row in rows {
            let state = try row.optionalString("state")
            let isRemovable = try state == ShardState.cancelled.rawValue || (state == nil && row.bool("purged"))
            fates[try row.int("number")] = isRemovable ? .removable : (state == nil ? .unknown : .needed)
        }
        return fates
    }
}
