// Keeping going: what every worker does from time to time so that no lost message, dead worker or crashed producer
// leaves work behind. Leaderless: rows that somebody else is mending are skipped.

import Postgres
public import Tasks

extension Catalogue {
    /// Extends the leases that this worker still holds.
    /// - Returns: the leases that are still its own.
    public func renew(_ leases: [Int64], worker: Int64, for duration: Duration) async throws -> Set<Int64> {
        guard !leases.isEmpty else { return [] }
        let rows = try await connection.query(
            """
            UPDATE leases SET expires_at = now() + \(min(duration, Self.longestWait).inSeconds) * interval '1 second'
            WHERE id = ANY(\(leases)) AND worker_id = \(worker) RETURNING id
            """)
        return Set(try rows.map { Int64(try $0.int("id")) })
    }

    /// Opens the waiting tasks of one shard that are due, or wait for a time that no worker would set.
    /// - Returns: `nil` when no shard has due tasks; else what is claimable again, to be hinted (empty for
    ///   a paused job).
    public func wakeOneShard() async throws -> [HintTarget]? {
        try await transaction("wake") { connection in
            let due = try connection.query(
                """
                SELECT s.id FROM shards s
                WHERE due_at IS NOT NULL AND (due_at <= now() OR due_at > \(sql: RowRules.ahead)) AND \(sql: RowRules.shard)
                ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
                """)
            guard let row = due.first else { return nil }
            let shard = Int64(try row.int("id"))
            let waiting: SQL = """
                t.shard_id = \(shard) AND t.state = 'waiting'
                AND \(sql: RowRules.task("t", of: RowRules.tasks(ofShard: shard)))
                AND t.kind IN (SELECT unnest(ARRAY[j.kind, j.follow_kind]) FROM jobs j JOIN shards s ON s.job_id = j.id
                               WHERE s.id = \(shard))
                """
            let opened = try connection.query(
                """
                UPDATE tasks t SET state = 'open', not_before = NULL
                WHERE \(sql: waiting)
                  AND (not_before IS NULL OR not_before <= now() OR not_before > \(sql: RowRules.ahead))
                RETURNING kind, number
                """)
            _ = try connection.execute(
                """
                UPDATE shards SET hinted_at = now(),
                       due_at = (SELECT min(not_before) FROM tasks t WHERE \(sql: waiting))
                WHERE id = \(shard)
                """)
            var numbers: [String: [Int]] = [:]
            for row in opened { numbers[try row.string("kind"), default: []].append(try row.int("number")) }
            return try numbers.sorted { $0.key < $1.key }.compactMap { kind, numbers in
                try Self.hintTarget(shard: shard, kind: TaskKind(rawValue: kind), numbers: numbers, on: connection)
            }
        }
    }

    /// Shards that hold claimable tasks which nobody hinted within `horizon`, in lane order; they count as hinted now.
    /// One that was hinted at a time that is still to come was not.
    ///
    /// Only idle workers ask, so a long backlog is never hinted twice; this one rule heals lost messages, purged queues
    /// and producers that died before publishing.
    /// - Parameter serving: what the caller can do.
    public func forgottenShards(
        serving: [HandlerDescription], horizon: Duration, limit: Int = 16
    ) async throws -> [HintTarget] {
        let keys = serving.map { "\($0.kind) \($0.capability)" }
        return try await transaction("remind") { connection in
            try connection.query(
                """
                WITH candidates AS (
                    SELECT s.id, c.kind, c.capability, j.lane <> 'high' AS later, s.job_id AS job, s.number AS place
                    FROM shards s JOIN jobs j ON j.id = s.job_id, \(sql: Self.work) c
                    WHERE j.state = 'running' AND \(sql: Self.hasWork)
                      AND c.kind || ' ' || c.capability = ANY(\(keys))
                      AND (coalesce(s.hinted_at, s.created_at) < now() - \(horizon.inSeconds) * interval '1 second'
                           OR coalesce(s.hinted_at, s.created_at) > \(sql: RowRules.future))
                    ORDER BY later, job, place),
                forgotten AS (
                    SELECT c.*, open.first, open.last FROM candidates c
                    JOIN shards s ON s.id = c.id,
                    LATERAL (SELECT min(number) AS first, max(number) AS last FROM tasks t
                             WHERE t.shard_id = c.id AND t.kind = c.kind AND t.state = 'open'
                               AND \(sql: RowRules.task("t", of: "s.tasks"))) open
                    WHERE open.first IS NOT NULL
                    LIMIT \(limit) FOR UPDATE OF s SKIP LOCKED),
                hinted AS (
                    UPDATE shards s SET hinted_at = now() FROM forgotten f, jobs j
                    WHERE s.id = f.id AND j.id = s.job_id
                    RETURNING s.id, s.job_id, f.first, f.last - f.first + 1 AS tasks, j.name,
                              j.specification_sha256 AS digest, f.kind, f.capability, j.lane, j.hint_size, f.later, f.place)
                SELECT * FROM hinted ORDER BY later, job_id, place
                """
            ).compactMap(HintTarget.init(row:))
        }
    }

    /// Whether nothing that the caller can serve is open, waiting or leased, other workers' leases included, and no shard
    /// is blocked that somebody's work may open. A paused job's tasks cannot be served, so they do not count.
    ///
    /// Like ``claim`` it goes by what a shard asks for in its state. Tasks of shards that ask for anything else, or have
    /// nothing left to do, are not visited.
    public func isIdle(serving: [HandlerDescription]) async throws -> Bool {
        let keys = serving.map { "\($0.kind) \($0.capability)" }
        return try await connection.query(
            """
            SELECT NOT EXISTS (
                SELECT FROM shards s JOIN jobs j ON j.id = s.job_id, \(sql: Self.work) c
                WHERE j.state = 'running' AND \(sql: Self.hasWork) AND c.kind || ' ' || c.capability = ANY(\(keys))
                  AND (SELECT true FROM tasks t WHERE t.shard_id = s.id AND t.kind = c.kind
                         AND t.state IN ('open', 'waiting', 'leased') AND \(sql: RowRules.task("t", of: "s.tasks"))
                       LIMIT 1))
               AND NOT EXISTS (
                SELECT FROM jobs j WHERE j.after_job IS NOT NULL AND j.state = 'running'
                  AND j.kind || ' ' || j.capability = ANY(\(keys))
                  AND (SELECT true FROM shards s WHERE s.job_id = j.id AND s.state = 'blocked' LIMIT 1)
                  AND \(sql: Self.mayBeOpened)) AS idle
            """
        ).one("SELECT NOT EXISTS").bool("idle")
    }

    /// Whether a shard `s` may have tasks that are neither done nor given up, as far as its row can tell.
    private static var hasWork: SQL {
        "((s.state = 'generated' OR (s.state = 'open' AND s.done + s.dead + s.cancelled < s.tasks)) AND \(sql: RowRules.shard))"
    }
}
