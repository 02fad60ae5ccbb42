// Job control: rows that `claim` respects. A fan-out message only saves time.

import Postgres
public import Tasks

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
    ///
    /// Nothing more is claimed from the first moment on; the rows follow piece by piece. Called again after a kill, it
    /// goes on with the shards that are left.
    /// - Parameter tasksPerPiece: tasks that one statement changes at most, unless a single shard has more.
    public func cancel(
        job name: String, tasksPerPiece: Int = Catalogue.tasksPerChange,
        progress: (ShardProgress) -> Void = { _ in }
    ) async throws -> Int64 {
        let id = try await setState(.cancelled, of: name, from: [.running, .paused, .cancelled])
        try await changePieces(
            of: id, where: "s.state IN ('blocked', 'open', 'generated', 'quarantined') AND \(sql: RowRules.shard)",
            tasks: tasksPerPiece, label: "cancel",
            progress: progress
        ) { connection, shards in try Self.sweepCancelled(shards, on: connection) }
        return id
    }

    /// Cancels what is open or waiting, and counts it; shards that are not finished are cancelled with it.
    /// - Returns: how many shards were cancelled.
    @discardableResult
    static func sweepCancelled(_ shards: [Int64], on connection: isolated Connection) throws -> Int {
        _ = try connection.execute(
            """
            WITH swept AS (
                UPDATE tasks t SET state = 'cancelled', not_before = NULL
                WHERE t.shard_id = ANY(\(shards)) AND t.state IN ('open', 'waiting') AND t.number >= 0 AND t.number < 1000000
                  AND \(sql: RowRules.counts("t"))
                RETURNING t.shard_id, t.kind)
            UPDATE shards s SET cancelled = least(s.cancelled + counted.count, s.tasks - s.done - s.dead)
            FROM (SELECT w.shard_id, count(*)::integer AS count
                  FROM swept w JOIN shards u ON u.id = w.shard_id JOIN jobs j ON j.id = u.job_id AND j.kind = w.kind
                  GROUP BY w.shard_id) counted
            WHERE s.id = counted.shard_id
            """)
        return try connection.execute(
            """
            UPDATE shards s SET state = 'cancelled', due_at = NULL
            WHERE s.id = ANY(\(shards)) AND s.state IN ('blocked', 'open', 'generated', 'quarantined')
            """)
    }

    /// Opens a job's dead tasks for another round of attempts, those that follow its shards too, piece by piece.
    /// - Returns: how many tasks were opened, and what to hint.
    public func retry(
        job name: String, tasksPerPiece: Int = Catalogue.tasksPerChange,
        progress: (ShardProgress) -> Void = { _ in }
    ) async throws -> (opened: Int, targets: [HintTarget]) {
        let job = try await requireRunning(name)
        let opened = try await changePieces(
            of: job,
            where: """
                (s.state IN ('generated', 'quarantined') OR (s.state = 'open' AND s.dead > 0)) AND \(sql: RowRules.shard)
                """,
            tasks: tasksPerPiece, label: "retry", progress: progress
        ) { connection, shards in try Self.openDead(shards, on: connection) }
        return (opened, try await claimable(job: job))
    }

    /// - Returns: how many tasks were opened.
    private static func openDead(_ shards: [Int64], on connection: isolated Connection) throws -> Int {
        try connection.query(
            """
            WITH opened AS (
                UPDATE tasks t SET state = 'open', attempt = 0, deaths = 0, returns = 0, reason = NULL, not_before = NULL
                FROM shards s, jobs j WHERE s.id = ANY(\(shards)) AND j.id = s.job_id AND t.shard_id = s.id AND t.state = 'dead'
                  AND \(sql: RowRules.task("t", of: "s.tasks"))
                  AND ((s.state = 'open' AND t.kind = j.kind)
                       OR (s.state IN ('generated', 'quarantined') AND t.kind = j.follow_kind))
                RETURNING t.shard_id, t.kind = j.kind AS own),
            counted AS (
                SELECT shard_id, count(*) FILTER (WHERE own)::integer AS count FROM opened GROUP BY shard_id),
            moved AS (
                UPDATE shards s SET dead = greatest(s.dead - counted.count, 0), reason = NULL, hinted_at = now(),
                       state = CASE WHEN s.state = 'quarantined' THEN 'generated' ELSE s.state END
                FROM counted WHERE s.id = counted.shard_id)
            SELECT count(*) AS count FROM opened
            """
        ).one("UPDATE tasks").int("count")
    }

    /// Lets shards with at most `count` dead tasks finish without them; such shards are marked as incomplete.
    /// - Returns: what became claimable, to be hinted.
    public func allowDead(
        _ count: Int, job name: String, tasksPerPiece: Int = Catalogue.tasksPerChange,
        progress: (ShardProgress) -> Void = { _ in }
    ) async throws -> [HintTarget] {
        let job = try await requireRunning(name)
        _ = try await connection.execute("UPDATE jobs SET allow_dead = \(count) WHERE id = \(job)")
        try await changePieces(
            of: job, where: "s.state = 'open' AND s.dead > 0 AND \(sql: RowRules.shard)", tasks: tasksPerPiece,
            label: "allow-dead", progress: progress
        ) { connection, shards in
            for shard in shards { try Self.settle(shard: shard, on: connection) }
            return shards.count
        }
        return try await claimable(job: job)
    }

    /// Everything of a job that is claimable now, shard by shard as each statement finds it.
    public func claimable(job: Int64) async throws -> [HintTarget] {
        var targets: [HintTarget] = []
        var last = -1
        while true {
            let after = last
            let found = try await transaction("claimable") { connection -> (last: Int, targets: [HintTarget])? in
                let piece = try Self.piece(
                    of: job, after: after, where: "s.state IN ('open', 'generated')", tasks: Self.tasksPerLook,
                    on: connection)
                guard let piece else { return nil }
                return (piece.last, try Self.claimable(in: piece.ids, on: connection))
            }
            guard let found else { return targets }
            targets += found.targets
            last = found.last
        }
    }

    private static func claimable(in shards: [Int64], on connection: isolated Connection) throws -> [HintTarget] {
        try connection.query(
            """
            SELECT s.id, s.job_id, t.first, t.last - t.first + 1 AS tasks, j.name, j.specification_sha256 AS digest,
                   c.kind, j.lane, j.hint_size, c.capability
            FROM shards s JOIN jobs j ON j.id = s.job_id, \(sql: work) c,
            LATERAL (SELECT min(number) AS first, max(number) AS last FROM tasks t
                     WHERE t.shard_id = s.id AND t.kind = c.kind AND t.state = 'open'
                       AND \(sql: RowRules.task("t", of: "s.tasks"))) t
            WHERE s.id = ANY(\(shards)) AND j.state = 'running' AND s.state IN ('open', 'generated')
              AND t.first IS NOT NULL AND \(sql: RowRules.shard)
            ORDER BY s.number
            """
        ).compactMap(HintTarget.init(row:))
    }

    /// Those of these jobs whose tasks nobody should begin, with what they are: paused or cancelled.
    public func stoppedJobs(among jobs: [Int64]) async throws -> [Int64: JobState] {
        let rows = try await connection.query(
            "SELECT id, state::text AS state FROM jobs WHERE id = ANY(\(jobs)) AND state <> 'running'")
        return Dictionary(
            try rows.map { (try $0.int64("id"), JobState(rawValue: try $0.string("state")) ?? .paused) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Removes a job that nobody works on with all its rows; the object directory is left to `gc`.
    ///
    /// The job counts as cancelled from the first moment on, so that nobody extends what is half removed; its shards
    /// go piece by piece, the job's row at the end. Called again after a kill, it goes on with what is left.
    /// A job that followed it, and waits for nothing any more, follows none then.
    /// - Throws: ``CatalogueError`` with code `refused` for a job that is running and not finished, that others wait for,
    ///   or whose tasks workers hold. A lease that ran out holds nothing: where no worker is left, nobody would ever take it away.
    public func purge(
        job name: String, tasksPerPiece: Int = Catalogue.tasksPerChange,
        progress: (ShardProgress) -> Void = { _ in }
    ) async throws {
        let job = try await job(named: name)
        try await transaction("begin-purge") { connection in try Self.beginPurge(job, on: connection) }
        try await changePieces(
            of: job.id, where: "true", tasks: tasksPerPiece, label: "purge", progress: progress
        ) { connection, shards in
            for table in ["outputs", "results", "payloads", "tasks", "leases"] as [StaticString] {
                _ = try connection.execute(
                    "DELETE FROM \(unsafeRaw: "\(table)") WHERE shard_id = ANY(\(shards))")
            }
            return try connection.execute("DELETE FROM shards WHERE id = ANY(\(shards))")
        }
        try await transaction("end-purge") { connection in
            _ = try connection.execute("UPDATE jobs SET after_job = NULL, after_by = NULL WHERE after_job = \(job.id)")
            _ = try connection.execute("DELETE FROM jobs WHERE id = \(job.id)")
        }
    }

    private static func beginPurge(_ job: RecordedJob, on connection: isolated Connection) throws {
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
                "job '\(job.name)' is "
                    + "\(try row.string("state"))\(try row.bool("leased") ? " and workers hold tasks of it" : ""); run `detdiffusion-catalogue cancel --job \(job.name)` and let its workers finish first"
            )
        }
        let waiting = try waitingJobs(for: job.id, on: connection)
        guard waiting.isEmpty else {
            throw CatalogueError(
                .refused,
                "job '\(job.name)': expected a job that none waits for, found \(waiting.map { "'\($0)'" }.joined(separator: ", ")); "
                    + "cancel what waits for it first")
        }
        _ = try connection.execute(
            """
            UPDATE jobs SET state = 'cancelled', cancelled_at = coalesce(cancelled_at, now()) WHERE id = \(job.id)
            """)
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
            let fix =
                job.state == JobState.cancelled.rawValue
                ? "a cancelled job stays so: enqueue its specification again after `detdiffusion-catalogue purge`"
                : "resume it first"
            throw CatalogueError(.refused, "job '\(name)' is \(job.state), expected a running job; \(fix)")
        }
        return job.id
    }
}
