// Mending: rows that contradict one another, images and results that are lost, what follows a shard and must be made anew.

public import Digests
import Postgres
import Tasks

extension Catalogue {
    /// Mends what the catalogue alone can mend in a shard: counters, times and numbers that cannot be, leases that do not
    /// exist, task rows too many or too few, records without a done task, done tasks without a record (done again),
    /// the shard's state, also where it is blocked and waits for nothing, a missing task of what follows, waiting tasks that
    /// nobody would wake.
    ///
    /// A shard whose own row cannot be is left alone.
    public func mend(shard: Int64) async throws {
        try await transaction("mend") { connection in
            let rows = try connection.query(
                "SELECT id FROM shards s WHERE id = \(shard) AND \(sql: RowRules.shard) FOR UPDATE")
            guard !rows.isEmpty else { return }
            try Self.completeRows(of: shard, on: connection)
            try Self.takeBackWhatCannotBe(in: shard, on: connection)
            try Self.wakeWhatNobodyWould(in: shard, on: connection)
            try Self.matchRecords(of: shard, on: connection)
            try Self.recount(shard: shard, on: connection)
            try Self.settle(shard: shard, on: connection)
            try Self.openWhereItWaitsForNothing(shard: shard, on: connection)
        }
    }

    /// Leased tasks without a lease wait, and what waits for a time that cannot be waits no longer.
    private static func wakeWhatNobodyWould(in shard: Int64, on connection: isolated Connection) throws {
        _ = try connection.execute(
            """
            UPDATE tasks t SET state = 'waiting', lease_id = NULL, not_before = now(), reason = 'its lease did not exist'
            WHERE t.shard_id = \(shard) AND t.state = 'leased' AND NOT EXISTS (SELECT FROM leases l WHERE l.id = t.lease_id)
            """)
        _ = try connection.execute(
            """
            UPDATE tasks SET not_before = now() WHERE shard_id = \(shard) AND state = 'waiting'
              AND (not_before IS NULL OR not_before > \(sql: RowRules.ahead))
            """)
    }

    /// Done tasks of the job's own kind that have recorded nothing open again; records without a done task are lost.
    private static func matchRecords(of shard: Int64, on connection: isolated Connection) throws {
        _ = try connection.execute(
            """
            UPDATE tasks t SET state = 'open', attempt = 0, deaths = 0, returns = 0
            FROM tasks k \(sql: records), shards s, jobs j
            WHERE k.shard_id = \(shard) AND s.id = k.shard_id AND j.id = s.job_id AND k.kind = j.kind AND k.state = 'done'
              AND NOT \(sql: isRecorded)
              AND t.shard_id = k.shard_id AND t.kind = k.kind AND t.number = k.number
            """)
        _ = try connection.execute(
            """
            UPDATE outputs o SET lost_at = now() FROM tasks t, shards s, jobs j
            WHERE o.shard_id = \(shard) AND o.lost_at IS NULL AND s.id = o.shard_id AND j.id = s.job_id
              AND t.shard_id = o.shard_id AND t.number = o.number AND t.kind = j.kind AND t.state <> 'done'
            """)
        _ = try connection.execute(
            """
            UPDATE results r SET lost_at = now() FROM tasks t, shards s, jobs j
            WHERE r.shard_id = \(shard) AND r.lost_at IS NULL AND s.id = r.shard_id AND j.id = s.job_id AND r.kind = j.kind
              AND t.shard_id = r.shard_id AND t.number = r.number AND t.kind = r.kind AND t.state <> 'done'
            """)
    }

    /// Times and numbers that no program of ours writes. Fencing numbers go on above all that claims ever had.
    private static func takeBackWhatCannotBe(in shard: Int64, on connection: isolated Connection) throws {
        _ = try connection.execute(
            "DELETE FROM leases WHERE shard_id = \(shard) AND expires_at > \(sql: RowRules.ahead)")
        _ = try connection.execute(
            """
            UPDATE tasks t SET attempt = greatest(attempt, 0), deaths = greatest(deaths, 0), returns = greatest(returns, 0),
                   epoch = CASE WHEN epoch >= 0 AND epoch < \(RowRules.lastEpoch) THEN epoch ELSE \(RowRules.mendedEpoch) END,
                   not_before = CASE WHEN not_before > \(sql: RowRules.ahead) THEN now() ELSE not_before END
            WHERE t.shard_id = \(shard) AND NOT \(sql: RowRules.counts("t"))
            """)
        _ = try connection.execute("DELETE FROM outputs u WHERE u.shard_id = \(shard) AND NOT \(sql: RowRules.output)")
        _ = try connection.execute("DELETE FROM results r WHERE r.shard_id = \(shard) AND r.epoch < 0")
        _ = try connection.execute(
            "UPDATE shards SET created_at = now() WHERE id = \(shard) AND created_at > \(sql: RowRules.future)")
    }

    /// Removes rows whose numbers or kinds the shard does not have, and adds the task rows that it lacks.
    private static func completeRows(of shard: Int64, on connection: isolated Connection) throws {
        for table in ["payloads", "outputs"] as [StaticString] {
            _ = try connection.execute(
                """
                DELETE FROM \(unsafeRaw: "\(table)") r USING shards s
                WHERE r.shard_id = \(shard) AND s.id = r.shard_id AND (r.number < 0 OR r.number >= s.tasks)
                """)
        }
        for table in ["tasks", "results"] as [StaticString] {
            _ = try connection.execute(
                """
                DELETE FROM \(unsafeRaw: "\(table)") t USING shards s, jobs j
                WHERE t.shard_id = \(shard) AND s.id = t.shard_id AND j.id = s.job_id AND \(sql: isStray("t"))
                """)
        }
        _ = try connection.execute(
            """
            INSERT INTO tasks (shard_id, kind, number, state, epoch)
            SELECT k.shard_id, k.kind, k.number, (CASE WHEN \(sql: isRecorded) THEN 'done' ELSE 'open' END)::task_state,
                   least(greatest(coalesce(x.epoch, y.epoch, 0), 0), \(RowRules.mendedEpoch)) + 1
            FROM (SELECT s.id AS shard_id, j.kind, generate_series(0, s.tasks - 1) AS number
                  FROM shards s JOIN jobs j ON j.id = s.job_id WHERE s.id = \(shard) AND \(sql: RowRules.shard)) k
            \(sql: records)
            LEFT JOIN outputs x ON x.shard_id = k.shard_id AND x.number = k.number
            LEFT JOIN results y ON y.shard_id = k.shard_id AND y.kind = k.kind AND y.number = k.number
            ON CONFLICT (shard_id, kind, number) DO NOTHING
            """)
    }

    /// Sets the counters to the counts, and takes back a state that the counts do not allow.
    ///
    /// A finished shard keeps its state as long as every task is accounted for: its archive stands for itself, and the
    /// loose objects that making it anew needs may be gone. A quarantined one always gets another chance.
    private static func recount(shard: Int64, on connection: isolated Connection) throws {
        _ = try connection.execute(
            """
            UPDATE shards s SET done = c.done, dead = c.dead, cancelled = c.cancelled, due_at = c.due,
                   hinted_at = CASE WHEN s.hinted_at IS NOT NULL THEN now() END,
                   state = CASE WHEN c.takes_back THEN 'open' ELSE s.state END,
                   tar = CASE WHEN c.takes_back THEN NULL ELSE s.tar END,
                   tar_sha256 = CASE WHEN c.takes_back THEN NULL ELSE s.tar_sha256 END,
                   tar_bytes = CASE WHEN c.takes_back THEN NULL ELSE s.tar_bytes END,
                   samples = CASE WHEN c.takes_back THEN NULL ELSE s.samples END,
                   reason = CASE WHEN c.takes_back THEN NULL ELSE s.reason END,
                   finished_at = CASE WHEN c.takes_back THEN NULL ELSE s.finished_at END
            FROM (SELECT t.*, CASE u.state
                             WHEN 'finished' THEN t.done + t.dead < u.tasks
                                                  OR coalesce(u.tar_bytes < 0 OR u.samples < 0 OR u.samples > u.tasks, false)
                             WHEN 'generated' THEN t.done + t.dead < u.tasks OR t.follow IS NULL
                                                   OR t.follow IN ('done', 'dead', 'cancelled')
                             ELSE u.state = 'quarantined' END AS takes_back
                  FROM shards u CROSS JOIN LATERAL (
                      SELECT count(*) FILTER (WHERE k.state = 'done' AND k.kind = j.kind)::integer AS done,
                             count(*) FILTER (WHERE k.state = 'dead' AND k.kind = j.kind)::integer AS dead,
                             count(*) FILTER (WHERE k.state = 'cancelled' AND k.kind = j.kind)::integer AS cancelled,
                             min(k.not_before) FILTER (WHERE k.state = 'waiting') AS due,
                             min(k.state::text) FILTER (WHERE k.kind = j.follow_kind AND k.number = 0) AS follow
                      FROM tasks k, jobs j WHERE k.shard_id = u.id AND j.id = u.job_id) t
                  WHERE u.id = \(shard)) c
            WHERE s.id = \(shard)
            """)
    }

    /// Opens the tasks again whose images or results are lost, and what follows their shard: their rows keep the old
    /// hash until then. Without any that are lost only what follows is made anew.
    ///
    /// - Parameters:
    ///   - row: the shard as the caller saw it.
    ///   - lost: what the caller could not find; what was recorded anew since then is left alone.
    /// - Returns: false, and nothing is changed, when the shard has moved on since the caller looked.
    public func reopen(_ row: ShardRow, lost: [LostRecord]) async throws -> Bool {
        try await transaction("reopen") { connection in
            let now = try connection.query(
                "SELECT state::text AS state, tar_sha256 FROM shards WHERE id = \(row.id) FOR UPDATE")
            guard let found = now.first, try found.string("state") == row.state,
                try found.optionalBytes("tar_sha256") == row.digest?.bytes
            else { return false }
            try Self.completeRows(of: row.id, on: connection)
            let marked = try Self.markLost(lost, of: row.id, on: connection)
            guard lost.isEmpty || marked > 0 else { return false }
            try Self.withdrawFollowUp(of: row.id, on: connection)
            _ = try connection.execute(
                """
                UPDATE shards SET state = 'open', tar = NULL, tar_sha256 = NULL, tar_bytes = NULL, samples = NULL,
                       finished_at = NULL, reason = NULL
                WHERE id = \(row.id) AND state IN ('generated', 'finished', 'quarantined')
                """)
            try Self.recount(shard: row.id, on: connection)
            try Self.settle(shard: row.id, on: connection)
            return true
        }
    }

    /// - Returns: how many images and results were marked as lost.
    private static func markLost(_ lost: [LostRecord], of shard: Int64, on connection: isolated Connection) throws
        -> Int
    {
        guard !lost.isEmpty else { return 0 }
        let marked = try connection.query(
            """
            WITH given AS (SELECT * FROM unnest(\(lost.map(\.number)), \(lost.map(\.digest.bytes))) AS g (number, sha256)),
            images AS (
                UPDATE outputs o SET lost_at = now() FROM given g
                WHERE o.shard_id = \(shard) AND o.number = g.number AND o.sha256 = g.sha256 AND o.lost_at IS NULL
                RETURNING o.number),
            found AS (
                UPDATE results r SET lost_at = now() FROM given g, shards s, jobs j
                WHERE r.shard_id = \(shard) AND s.id = r.shard_id AND j.id = s.job_id AND r.kind = j.kind
                  AND r.number = g.number AND r.sha256 = g.sha256 AND r.lost_at IS NULL
                RETURNING r.number)
            SELECT number FROM images UNION SELECT number FROM found
            """
        ).map { row throws(PostgresError) in try row.int("number") }
        _ = try connection.execute(
            """
            UPDATE tasks t SET state = 'open', attempt = 0, deaths = 0, returns = 0 FROM shards s, jobs j
            WHERE t.shard_id = \(shard) AND s.id = t.shard_id AND j.id = s.job_id AND t.kind = j.kind
              AND t.number = ANY(\(marked)) AND t.state = 'done'
            """)
        return marked.count
    }

    /// Takes the task that follows the shard out of reach of whoever holds it. Its row stays, so that its epoch only ever
    /// grows: a worker that comes back late must not pass for the next one.
    private static func withdrawFollowUp(of shard: Int64, on connection: isolated Connection) throws {
        _ = try connection.execute(
            """
            UPDATE tasks t SET state = 'cancelled', epoch = t.epoch + 1, lease_id = NULL, not_before = NULL,
                   reason = 'withdrawn: it is done anew, after tasks of its shard'
            FROM shards s, jobs j
            WHERE t.shard_id = \(shard) AND s.id = t.shard_id AND j.id = s.job_id AND t.kind = j.follow_kind
            """)
    }
}

/// A recorded image whose bytes are nowhere, or a result whose bytes are others.
public struct LostRecord: Sendable, Hashable {
    /// The task's number in its shard.
    public var number: Int
    /// The hash that was recorded.
    public var digest: SHA256Digest

    /// Names a lost record.
    public init(number: Int, digest: SHA256Digest) {
        self.number = number
        self.digest = digest
    }
}
