// What garbage collection asks: which files somebody still needs.

public import Digests
import Postgres

extension Catalogue {
    /// The archives of all finished shards, relative to the object directory.
    public func archives() async throws -> [ShardRow] {
        try await connection.query(
            "SELECT id, number, state::text AS state, tasks, done, tar, tar_sha256, tar_bytes FROM "
                + "shards WHERE state = 'finished' ORDER BY id"
        ).map(ShardRow.init(row:))
    }

    /// Those of `digests` whose loose objects are needed: recorded by a shard that is not finished, or whose archive is
    /// not among `archived`.
    public func needed(_ digests: [SHA256Digest], archived: [Int64]) async throws -> Set<SHA256Digest> {
        let rows = try await connection.query(
            """
            SELECT DISTINCT o.sha256 FROM outputs o JOIN shards s ON s.id = o.shard_id
            WHERE o.sha256 = ANY(\(digests.map(\.bytes))) AND o.lost_at IS NULL
              AND NOT (s.state = 'finished' AND s.id = ANY(\(archived)))
            """)
        return Set(try rows.map { try SHA256Digest(column: "sha256", of: $0) })
    }

    /// Seconds since the oldest lease was acquired, 0 without leases. What its holder has stored may not be recorded
    /// yet,
    /// however long the catalogue was away.
    public func oldestLeaseAge() async throws -> Double {
        try await connection.query(
            "SELECT coalesce(extract(epoch FROM now() - min(acquired_at)), 0)::double precision AS age FROM leases"
        ).one("SELECT min(acquired_at)").double("age")
    }

    /// Whether the shard's archive, were it to lie in the object directory, may be needed: the job exists, and the
    /// shard
    /// is not cancelled.
    public func mayNeedArchive(job name: String, shard number: Int) async throws -> Bool {
        try await connection.query(
            """
            SELECT EXISTS (SELECT FROM shards s JOIN jobs j ON j.id = s.job_id
                           WHERE j.name = \(name) AND s.number = \(number) AND s.state <> 'cancelled') AS needed
            """
        ).one("SELECT EXISTS").bool("needed")
    }
}
