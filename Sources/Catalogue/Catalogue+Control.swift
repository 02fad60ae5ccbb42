// Job control: rows that `claim` respects. A fan-out message only saves time.

import Postgres
import Tasks

extension Catalogue {
    /// Stops handing out a job's tasks; what is being computed may finish, and what is claimed but has not begun is
    /// given back by its worker.
    public func pause(job name: String) async throws -> Int64 {
        try await setState(.paused, of: name, from: [.running, .paused])
    }

    /// Hands out a paused job's tasks again.
    /// - Returns: the job's row, and what is claimable, to be hinted.
    public func resume(job name: String) async throws -> (id: Int64, targets: [HintTarget]) {
        let id = try await setState(.running, of: name, from: [.running, .paused])
        return (id, try await claimable(job: id))
    }

    /// Gives up what is not done yet. Leased tasks may still finish; finished shards stay.
    public func cancel(job name: String) async throws -> Int64 {
        let id = try await setState(.cancelled, of: name, from: [.running, .paused, .cancelled])
        try await transaction("cancel") { connection in
            _ = try connection.query("SELECT id FROM shards WHERE job_id = \(id) ORDER BY id FOR UPDATE")
            try Self.sweepCancelled("s.job_id = \(id)", on: connection)
        }
        return id
    }

    /// Cancels what is open or waiting, and counts it; shards that are not finished are cancelled with it.
    static func sweepCancelled(_ condition: SQL, on connection: isolated Connection) throws {
        _ = try connection.execute(
            """
            WITH swept AS (
                UPDATE tasks t SET state = 'cancelled', not_before = NULL FROM shards s
                WHERE \(sql: condition) AND t.shard_id = s.id AND t.state IN ('open', 'waiting')
                RETURNING t.shard_id, t.kind)
            UPDATE shards s SET cancelled = s.cancelled + counted.count
            FROM (SELECT shard_id, count(*) FILTER (WHERE kind <> 'pack')::integer AS count FROM swept GROUP BY shard_id) counted
            WHERE s.id = counted.shard_id
            """)
        _ = try connection.execute(
            """
            UPDATE shards s SET state = 'cancelled', due_at = NULL
            WHERE \(sql: condition) AND s.state IN ('open', 'generated', 'quarantined')
            """)
    }

    /// Opens a job's dead tasks for another round of attempts, and its quarantined shards for packing.
    /// - Returns: how many tasks were opened, and what to hint.
    public func retry(job name: String) async throws -> (opened: Int, targets: [HintTarget]) {
        let job = try await requireRunning(name)
        let opened = try await transaction("retry") { connection in
            _ = try connection.query("SELECT id FROM shards WHERE job_id = \(job) ORDER BY id FOR UPDATE")
            let rows = try connection.query(
                """
                WITH opened AS (
                    UPDATE tasks t SET state = 'open', attempt = 0, deaths = 0, reason = NULL, not_before = NULL
                    FROM shards s WHERE s.job_id = \(job) AND t.shard_id = s.id AND t.state = 'dead'
                      AND (s.state = 'open' OR (s.state = 'quarantined' AND t.kind = 'pack'))
                    RETURNING t.shard_id, t.kind),
                counted AS (
                    SELECT shard_id, count(*) FILTER (WHERE kind <> 'pack')::integer AS count FROM opened GROUP BY shard_id),
                moved AS (
                    UPDATE shards s SET dead = s.dead - counted.count, reason = NULL, hinted_at = now(),
                           state = CASE WHEN s.state = 'quarantined' THEN 'generated' ELSE s.state END
                    FROM counted WHERE s.id = counted.shard_id)
                SELECT count(*) AS count FROM opened
                """)
            return try rows.one("UPDATE tasks").int("count")
        }
        return (opened, try await claimable(job: job))
    }

    /// Lets shards with at most `count` dead tasks finish without them; such shards are marked as incomplete.
    /// - Returns: what became claimable, to be hinted.
    public func allowDead(_ count: Int, job name: String) async throws -> [HintTarget] {
        let job = try await requireRunning(name)
        try await transaction("allow-dead") { connection in
            _ = try connection.execute("UPDATE jobs SET allow_dead = \(count) WHERE id = \(job)")
            let shards = try connection.query(
                "SELECT id FROM shards WHERE job_id = \(job) AND state = 'open' AND dead > 0 ORDER BY id FOR UPDATE")
            for shard in shards { try Self.settle(shard: Int64(try shard.int("id")), on: connection) }
        }
        return try await claimable(job: job)
    }

    /// Everything of a job that is claimable now.
    public func claimable(job: Int64) async throws -> [HintTarget] {
        try await connection.query(
            """
            SELECT s.id, s.job_id, min(t.number) AS first, max(t.number) - min(t.number) + 1 AS tasks, j.name,
                   j.specification_sha256 AS digest, t.kind, j.lane, j.hint_size,
                   CASE WHEN t.kind = 'pack' THEN 'archive' ELSE j.capability END AS capability
            FROM jobs j JOIN shards s ON s.job_id = j.id JOIN tasks t ON t.shard_id = s.id AND t.state = 'open'
            WHERE j.id = \(job) AND j.state = 'running' AND s.state IN ('open', 'generated')
            GROUP BY s.id, j.id, t.kind ORDER BY s.number
            """
        ).map(HintTarget.init(row:))
    }

    /// Those of these jobs whose tasks nobody should begin: paused or cancelled.
    public func stoppedJobs(among jobs: [Int64]) async throws -> [Int64] {
        try await connection.query("SELECT id FROM jobs WHERE id = ANY(\(jobs)) AND state <> 'running'").map {
            Int64(try $0.int("id"))
        }
    }

    /// Removes a job that nobody works on with all its rows; the object directory is left to `gc`.
    /// - Throws: ``CatalogueError`` with code `refused` for a job that is running and not finished, or whose tasks
    ///   workers hold. A lease that ran out holds nothing: where no worker is left, nobody would ever take it away.
    public func purge(job name: String) async throws {
        let job = try await job(named: name)
        try await transaction("purge") { connection in
            let row = try connection.query(
                """
                SELECT p.state, EXISTS (SELECT FROM leases l JOIN shards s ON s.id = l.shard_id
                                         WHERE s.job_id = p.id AND l.expires_at > now()) AS leased
                FROM job_progress p WHERE p.id = \(job.id)
                """
            ).one("SELECT state")
            guard try ["cancelled", "finished"].contains(row.string("state")), try !row.bool("leased") else {
                throw CatalogueError(
                    .refused,
                    "job '\(name)' is "
                        + "\(try row.string("state"))\(try row.bool("leased") ? " and workers hold tasks of it" : ""); run `detdiffusion-catalogue cancel --job \(name)` and let its workers finish first"
                )
            }
            for table in ["outputs", "payloads", "tasks", "leases"] as [StaticString] {
                _ = try connection.execute(
                    "DELETE FROM \(unsafeRaw: "\(table)") WHERE shard_id IN (SELECT id FROM shards WHERE "
                        + "job_id = \(job.id))"
                )
            }
            _ = try connection.execute("DELETE FROM shards WHERE job_id = \(job.id)")
            _ = try connection.execute("DELETE FROM jobs WHERE id = \(job.id)")
        }
    }

    private func setState(_ state: JobState, of name: String, from allowed: [JobState]) async throws -> Int64 {
        let rows = try await connection.query(
            """
            UPDATE jobs SET state = \(state.rawValue)::job_state,
                   cancelled_at = CASE WHEN \(state == .cancelled) THEN coalesce(cancelled_at, now()) END
            WHERE name = \(name) AND state::text = ANY(\(allowed.map(\.rawValue))) RETURNING id
            """)
        if let row = rows.first { return Int64(try row.int("id")) }
        let job = try await job(named: name)
        throw CatalogueError(.refused, "job '\(name)' is \(job.state) and cannot become \(state.rawValue)")
    }

    private func requireRunning(_ name: String) async throws -> Int64 {
        let job = try await job(named: name)
        guard job.state == JobState.running.rawValue else {
            throw CatalogueError(.refused, "job '\(name)' is \(job.state); expected a running job (resume it first)")
        }
        return job.id
    }
}
