// Rows whose shard does not exist. No foreign key forbids them, for it would cost a look-up per row of COPY.

import Postgres

extension Catalogue {
    /// The tables whose rows belong to a shard by its id alone.
    private static let tablesOfShards: [StaticString] = ["tasks", "payloads", "outputs", "results"]

    /// How many shards' ids one statement looks at.
    private static let idsPerLook = 1000

    /// Rows of these tables whose shard does not exist. Each statement looks at some shards' ids, or
    /// counts the rows of one.
    public func orphans() async throws -> Int {
        var count = 0
        for table in Self.tablesOfShards {
            try await forEachOrphan(in: table) { shard in
                let rows = try await connection.query(
                    "SELECT count(*) AS count FROM \(unsafeRaw: "\(table)") WHERE shard_id = \(shard)")
                count += try rows.one("SELECT count").int("count")
            }
        }
        return count
    }

    /// Removes rows of these tables whose shard does not exist, those of one shard at a time.
    /// - Returns: how many.
    public func removeOrphans() async throws -> Int {
        var removed = 0
        for table in Self.tablesOfShards {
            try await forEachOrphan(in: table) { shard in
                let rows = try await transaction("remove-orphans") { connection in
                    try connection.execute("DELETE FROM \(unsafeRaw: "\(table)") WHERE shard_id = \(shard)")
                }
                removed += rows
            }
        }
        return removed
    }

    /// Calls `body` with every shard id of a table's rows that no shard has. Ids never come back, so what has no shard
    /// in one statement has none later.
    private func forEachOrphan(in table: StaticString, _ body: (Int64) async throws -> Void) async throws {
        var last: Int64 = -1
        while true {
            let after = last
            // From one id to the next by the key, so that a shard costs one look-up and not one per row. The snapshot
            // of this statement shows a shard together with its rows, or neither.
            let rows = try await connection.query(
                """
                WITH RECURSIVE ids AS (
                    (SELECT shard_id FROM \(unsafeRaw: "\(table)") WHERE shard_id > \(after) ORDER BY shard_id LIMIT 1)
                    UNION ALL
                    SELECT (SELECT r.shard_id FROM \(unsafeRaw: "\(table)") r WHERE r.shard_id > ids.shard_id
                            ORDER BY r.shard_id LIMIT 1)
                    FROM ids WHERE ids.shard_id IS NOT NULL)
                SELECT i.shard_id, NOT EXISTS (SELECT FROM shards s WHERE s.id = i.shard_id) AS orphaned
                FROM (SELECT shard_id FROM ids LIMIT \(Self.idsPerLook)) i WHERE i.shard_id IS NOT NULL
                ORDER BY i.shard_id
                """)
            for row in rows where try row.bool("orphaned") { try await body(try row.int64("shard_id")) }
            guard rows.count == Self.idsPerLook, let end = rows.last else { return }
            last = try end.int64("shard_id")
        }
    }
}
