// Claims that nobody knows of: COMMIT was carried out and its answer was lost.

import Postgres
import Tasks

extension Catalogue {
    /// Gives back leases of a worker that the worker does not hold; no attempt is counted.
    ///
    /// A claim whose answer was lost has made a lease that nobody renews. Left alone it would run out and count as a
    /// death of its tasks.
    /// - Parameters:
    ///   - held: the leases that the worker knows.
    ///   - age: how old a lease must be: a younger one may belong to a claim whose answer is on its way.
    /// - Returns: what is claimable again, to be hinted.
    public func releaseStrays(of worker: Int64, except held: [Int64], olderThan age: Duration) async throws
        -> [HintTarget]
    {
        try await transaction("release-strays") { connection in
            let strays = try connection.query(
                """
                SELECT id, shard_id, kind FROM leases
                WHERE worker_id = \(worker) AND id <> ALL(\(held))
                  AND acquired_at < now() - \(age.inSeconds) * interval '1 second'
                ORDER BY id FOR UPDATE SKIP LOCKED
                """)
            return try strays.compactMap { stray in
                let lease = Int64(try stray.int("id")), shard = Int64(try stray.int("shard_id"))
                let kind = TaskKind(rawValue: try stray.string("kind"))
                let released = try connection.query(
                    """
                    UPDATE tasks SET state = 'open', lease_id = NULL, not_before = NULL
                    WHERE shard_id = \(shard) AND kind = \(kind.rawValue) AND state = 'leased' AND lease_id = \(lease)
                      AND \(sql: RowRules.task("tasks", of: RowRules.tasks(ofShard: shard)))
                    RETURNING number
                    """)
                _ = try connection.execute("\(sql: Self.endingLeases) WHERE id = \(lease)")
                try Self.settle(shard: shard, on: connection)
                let numbers = try released.map { try $0.int("number") }
                return try Self.hintTarget(shard: shard, kind: kind, numbers: numbers, on: connection)
            }
        }
    }
}
