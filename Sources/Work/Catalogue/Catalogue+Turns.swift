// Fair shares: which jobs have work for a queue, and claims that begin with the job instead of a hint.

import Digests
import Postgres
public import Tasks

extension Catalogue {
    /// The jobs with tasks that a queue's workers may claim, the oldest first: running, of the queue's kind, capability
    /// and lane, with an open shard that is not accounted for. Paused and cancelled ones are not among them.
    ///
    /// It visits the jobs with unfinished shards, one entry of a partial index each, so that thousands of finished jobs
    /// cost nothing.
    /// - Parameter limit: the most jobs. The hints of those beyond are served as they come.
    public func claimableJobs(of queue: WorkQueue, limit: Int = 100) async throws -> [Int64] {
        try await Self.claimableJobs(of: queue, limit: limit, on: connection)
    }

    static func claimableJobs(of queue: WorkQueue, limit: Int, on connection: isolated Connection) throws -> [Int64] {
        try connection.query(
            """
            WITH RECURSIVE unfinished (job) AS (
                (SELECT s.job_id FROM shards s WHERE s.state IN ('open', 'generated') ORDER BY s.job_id LIMIT 1)
                UNION ALL
                SELECT (SELECT s.job_id FROM shards s WHERE s.state IN ('open', 'generated') AND s.job_id > u.job
                        ORDER BY s.job_id LIMIT 1)
                FROM unfinished u WHERE u.job IS NOT NULL)
            SELECT j.id FROM unfinished u JOIN jobs j ON j.id = u.job
            WHERE j.state = 'running' AND j.kind = \(queue.kind.rawValue) AND j.capability = \(queue.capability.rawValue)
              AND j.lane = \(queue.lane.rawValue) AND EXISTS (
                SELECT FROM shards s WHERE s.job_id = j.id AND s.state IN ('open', 'generated') AND \(sql: withOpenTasks))
            ORDER BY j.id LIMIT \(limit)
            """, prepared: true
        ).map { try $0.int64("id") }
    }

    /// Claims at most `limit` open tasks of a job, from the first shard that has some which nobody is just taking. The
    /// job's own hints are on their way already, so there is nothing to announce.
    /// - Returns: `nil` when nothing is claimable.
    public func claim(
        ofJob job: Int64, in queue: WorkQueue, limit: Int, worker: Int64, lease: Duration
    ) async throws -> TaskBatch? {
        precondition(limit >= 1, "a claim takes at least one task")
        return try await transaction("claim", synchronousCommit: false) { connection in
            guard let hint = try Self.openRange(ofJob: job, in: queue, on: connection) else { return nil }
            return try Self.claim(
                hint, capability: queue.capability, limit: limit, worker: worker, lease: lease, announcesRest: false,
                on: connection
            ).batch
        }
    }

    /// From the first open task of a job to the end of its shard. That task is locked, so that of two workers that ask
    /// at once each finds another.
    private static func openRange(
        ofJob job: Int64, in queue: WorkQueue, on connection: isolated Connection
    ) throws -> Hint? {
        let rows = try connection.query(
            """
            SELECT s.id, s.tasks, t.number AS first, j.specification_sha256 AS digest
            FROM jobs j JOIN shards s ON s.job_id = j.id AND s.state IN ('open', 'generated') AND \(sql: withOpenTasks),
            LATERAL (SELECT number FROM tasks t
                     WHERE t.shard_id = s.id AND t.kind = \(queue.kind.rawValue) AND t.state = 'open'
                       AND \(sql: RowRules.task("t", of: "s.tasks"))
                     ORDER BY t.number LIMIT 1 FOR UPDATE SKIP LOCKED) t
            WHERE j.id = \(job) AND j.state = 'running' AND j.kind = \(queue.kind.rawValue)
            ORDER BY s.number LIMIT 1
            """, prepared: true)
        guard let row = rows.first else { return nil }
        let first = try row.int("first")
        return Hint(
            kind: queue.kind, job: job, shard: try row.int64("id"), first: first, count: try row.int("tasks") - first,
            specification: try SHA256Digest(column: "digest", of: row))
    }

    /// Whether a shard `s` may have open tasks of its job's own kind, as far as its row can tell.
    private static var withOpenTasks: SQL {
        "(s.state = 'open' AND s.done + s.dead + s.cancelled < s.tasks AND \(sql: RowRules.shard))"
    }
}
