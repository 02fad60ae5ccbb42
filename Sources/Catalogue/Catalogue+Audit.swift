// The audit equation: tasks = done + dead + cancelled + leased + waiting + open, and counters equal counts.

import Postgres
import Tasks

extension Catalogue {
    /// Counts every shard of a job anew, in one snapshot.
    public func accounts(job: Int64) async throws -> [ShardAccount] {
        try await connection.query(
            """
            SELECT s.id, s.number, s.state::text AS state, s.tasks, s.done, s.dead, s.cancelled, j.allow_dead,
                   t.open, t.leased, t.waiting, t.done AS done_rows, t.dead AS dead_rows, t.cancelled AS cancelled_rows,
                   t.unprotected, coalesce(o.outputs, 0) AS outputs, coalesce(o.unmatched, 0) + t.missing AS unmatched,
                   (SELECT count(*) FROM payloads p WHERE p.shard_id = s.id) AS payloads,
                   (SELECT p.state::text FROM tasks p WHERE p.shard_id = s.id AND p.kind = 'pack' AND p.number = 0) AS pack
            FROM jobs j JOIN shards s ON s.job_id = j.id,
            LATERAL (
                SELECT count(*) FILTER (WHERE k.state = 'open') AS open,
                       count(*) FILTER (WHERE k.state = 'leased') AS leased,
                       count(*) FILTER (WHERE k.state = 'waiting') AS waiting,
                       count(*) FILTER (WHERE k.state = 'done') AS done,
                       count(*) FILTER (WHERE k.state = 'dead') AS dead,
                       count(*) FILTER (WHERE k.state = 'cancelled') AS cancelled,
                       count(*) FILTER (WHERE k.state = 'leased' AND l.id IS NULL) AS unprotected,
                       count(*) FILTER (WHERE k.state = 'done' AND o.number IS NULL) AS missing
                FROM tasks k LEFT JOIN leases l ON l.id = k.lease_id
                LEFT JOIN outputs o ON o.shard_id = k.shard_id AND o.number = k.number AND o.lost_at IS NULL
                WHERE k.shard_id = s.id AND k.kind = j.kind) t,
            LATERAL (
                SELECT count(*) AS outputs, count(*) FILTER (WHERE k.number IS NULL) AS unmatched
                FROM outputs u LEFT JOIN tasks k
                    ON k.shard_id = u.shard_id AND k.number = u.number AND k.kind = j.kind AND k.state = 'done'
                WHERE u.shard_id = s.id AND u.lost_at IS NULL) o
            WHERE j.id = \(job) ORDER BY s.number
            """
        ).map(ShardAccount.init(row:))
    }

    /// Task rows and payloads whose shard does not exist.
    public func orphans() async throws -> Int {
        try await connection.query(
            """
            SELECT (SELECT count(*) FROM tasks t WHERE NOT EXISTS (SELECT FROM shards s WHERE s.id = t.shard_id))
                 + (SELECT count(*) FROM payloads p WHERE NOT EXISTS (SELECT FROM shards s WHERE s.id = p.shard_id)) AS count
            """
        ).one("SELECT count").int("count")
    }

    /// Mends what the catalogue alone can mend in a shard: counters, leases that do not exist, outputs without a task,
    /// done tasks without an output (generated again), the shard's state.
    public func mend(shard: Int64) async throws {
        try await transaction("mend") { connection in
            _ = try connection.query("SELECT id FROM shards WHERE id = \(shard) FOR UPDATE")
            _ = try connection.execute(
                """
                UPDATE tasks t SET state = 'waiting', lease_id = NULL, not_before = now(), reason = 'its lease did not exist'
                WHERE t.shard_id = \(shard) AND t.state = 'leased' AND NOT EXISTS (SELECT FROM leases l WHERE l.id = t.lease_id)
                """)
            _ = try connection.execute(
                """
                UPDATE tasks t SET state = 'open', attempt = 0, deaths = 0 FROM shards s, jobs j
                WHERE t.shard_id = \(shard) AND s.id = t.shard_id AND j.id = s.job_id AND t.kind = j.kind AND t.state = 'done'
                  AND NOT EXISTS (SELECT FROM outputs o WHERE o.shard_id = t.shard_id AND o.number = t.number AND o.lost_at IS NULL)
                """)
            _ = try connection.execute(
                """
                UPDATE outputs o SET lost_at = now() FROM tasks t, shards s, jobs j
                WHERE o.shard_id = \(shard) AND o.lost_at IS NULL AND s.id = o.shard_id AND j.id = s.job_id
                  AND t.shard_id = o.shard_id AND t.number = o.number AND t.kind = j.kind AND t.state <> 'done'
                """)
            try Self.recount(shard: shard, on: connection)
            try Self.settle(shard: shard, on: connection)
        }
    }

    /// Sets the counters to the counts, and takes back a state that the counts do not allow.
    private static func recount(shard: Int64, on connection: isolated Connection) throws {
        _ = try connection.execute(
            """
            UPDATE shards s SET done = c.done, dead = c.dead, cancelled = c.cancelled, due_at = c.due, hinted_at = now(),
                   state = CASE WHEN s.state IN ('generated', 'finished', 'quarantined')
                                     AND (c.done + c.dead < s.tasks OR c.pack IS NULL OR c.pack IN ('dead', 'cancelled')
                                          OR (s.state = 'generated' AND c.pack = 'done'))
                                THEN 'open' ELSE s.state END
            FROM (SELECT count(*) FILTER (WHERE t.state = 'done' AND t.kind = j.kind)::integer AS done,
                         count(*) FILTER (WHERE t.state = 'dead' AND t.kind = j.kind)::integer AS dead,
                         count(*) FILTER (WHERE t.state = 'cancelled' AND t.kind = j.kind)::integer AS cancelled,
                         min(t.not_before) FILTER (WHERE t.state = 'waiting') AS due,
                         min(t.state::text) FILTER (WHERE t.kind = 'pack') AS pack
                  FROM tasks t JOIN shards s ON s.id = t.shard_id JOIN jobs j ON j.id = s.job_id
                  WHERE t.shard_id = \(shard)) c
            WHERE s.id = \(shard)
            """)
    }

    /// Generates images again whose bytes are lost: their tasks open, their rows keep the old hash until then, and the
    /// shard is packed anew afterwards.
    public func reopen(shard: Int64, lost numbers: [Int]) async throws {
        try await transaction("reopen") { connection in
            _ = try connection.query("SELECT id FROM shards WHERE id = \(shard) FOR UPDATE")
            _ = try connection.execute(
                "UPDATE outputs SET lost_at = now() WHERE shard_id = \(shard) AND number = ANY(\(numbers)) AND lost_at IS NULL")
            _ = try connection.execute(
                """
                WITH reopened AS (
                    UPDATE tasks t SET state = 'open', attempt = 0, deaths = 0 FROM shards s, jobs j
                    WHERE t.shard_id = \(shard) AND s.id = t.shard_id AND j.id = s.job_id AND t.kind = j.kind
                      AND t.number = ANY(\(numbers)) AND t.state = 'done'
                    RETURNING t.number)
                UPDATE shards SET done = done - (SELECT count(*)::integer FROM reopened), state = 'open', tar = NULL,
                       tar_sha256 = NULL, tar_bytes = NULL, samples = NULL, finished_at = NULL, reason = NULL,
                       hinted_at = now()
                WHERE id = \(shard)
                """)
            _ = try connection.execute("DELETE FROM tasks WHERE shard_id = \(shard) AND kind = 'pack'")
            try Self.settle(shard: shard, on: connection)
        }
    }

    /// Packs a shard anew whose archive is lost and whose images are all there.
    public func repack(shard: Int64) async throws {
        try await reopen(shard: shard, lost: [])
    }

    /// Removes task rows and payloads whose shard does not exist.
    public func removeOrphans() async throws {
        try await transaction("remove-orphans") { connection in
            _ = try connection.execute(
                "DELETE FROM tasks t WHERE NOT EXISTS (SELECT FROM shards s WHERE s.id = t.shard_id)")
            _ = try connection.execute(
                "DELETE FROM payloads p WHERE NOT EXISTS (SELECT FROM shards s WHERE s.id = p.shard_id)")
        }
    }

    /// The hashes of images that exist only as loose objects: recorded, and not in a finished shard's archive.
    public func looseDigests() async throws -> Set<[UInt8]> {
        Set(
            try await connection.query(
                """
                SELECT DISTINCT o.sha256 FROM outputs o JOIN shards s ON s.id = o.shard_id
                WHERE o.lost_at IS NULL AND s.state <> 'finished'
                """
            ).map { try $0.bytes("sha256") })
    }

    /// The archives of all finished shards, relative to the object directory.
    public func archives() async throws -> [ShardRow] {
        try await connection.query(
            "SELECT id, number, state::text AS state, tasks, done, tar, tar_sha256, tar_bytes FROM shards WHERE state = 'finished' ORDER BY id"
        ).map(ShardRow.init(row:))
    }
}

extension ShardAccount {
    init(row: Row) throws {
        id = Int64(try row.int("id"))
        number = try row.int("number")
        state = try row.string("state")
        tasks = try row.int("tasks")
        done = try row.int("done")
        dead = try row.int("dead")
        cancelled = try row.int("cancelled")
        counts = [
            "open": try row.int("open"), "leased": try row.int("leased"), "waiting": try row.int("waiting"),
            "done": try row.int("done_rows"), "dead": try row.int("dead_rows"), "cancelled": try row.int("cancelled_rows"),
        ]
        payloads = try row.int("payloads")
        outputs = try row.int("outputs")
        unmatched = try row.int("unmatched")
        unprotected = try row.int("unprotected")
        packState = try row.optionalString("pack")
        allowedDead = try row.int("allow_dead")
    }
}
