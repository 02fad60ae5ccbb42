// Jobs that follow jobs: what a draft may follow, what a finished shard has opened, and who waits for whom.
//
// Triggers block and open shards (schemas/catalogue/0009_chains.sql), so that programs of earlier versions do it, too.

import Postgres
import Tasks

extension Catalogue {
    /// The row of the job that a draft follows.
    /// - Throws: ``CatalogueError`` with code `refused` where nothing can come after it.
    static func predecessor(of draft: JobDraft, on connection: isolated Connection) throws -> Int64? {
        guard let after = draft.after else { return nil }
        guard after.job != draft.name else {
            throw CatalogueError(
                .refused, "job '\(draft.name)': expected another job to come after, found itself; correct --after")
        }
        let rows = try connection.query("SELECT id, state::text AS state FROM jobs WHERE name = \(after.job)")
        guard let row = rows.first else {
            throw CatalogueError(
                .refused,
                "job '\(draft.name)': expected a recorded job to come after, found no job '\(after.job)'; enqueue that job "
                    + "first, or correct --after")
        }
        guard try row.string("state") != JobState.cancelled.rawValue else {
            throw CatalogueError(
                .refused,
                "job '\(draft.name)': expected a job that will finish to come after, found that job '\(after.job)' was "
                    + "cancelled; leave --after out, or name another job")
        }
        return try row.int64("id")
    }

    /// What a recorded job follows: once recorded it stays, and what is left out means the same as before.
    /// - Throws: ``CatalogueError`` with code `refused` for a draft that follows something else.
    static func keepPredecessor(
        of draft: JobDraft, id: Int64, on connection: isolated Connection
    ) throws -> JobPredecessor? {
        let row = try connection.query(
            "SELECT a.name, j.after_by FROM jobs j LEFT JOIN jobs a ON a.id = j.after_job WHERE j.id = \(id)"
        ).one("SELECT after_job")
        let recorded = try row.optionalString("name").map { name in
            JobPredecessor(job: name, by: JobPredecessor.Step(rawValue: try row.string("after_by")) ?? .job)
        }
        guard let after = draft.after, after != recorded else { return recorded }
        if let wanted = try predecessor(of: draft, on: connection),
            let circle = try path(from: wanted, to: id, on: connection)
        {
            throw CatalogueError(
                .refused,
                "job '\(draft.name)': expected a job that does not wait for it, found a circle: "
                    + "\(([draft.name] + circle).joined(separator: " after ")); leave --after out")
        }
        throw CatalogueError(
            .refused,
            "job '\(draft.name)' was recorded \(recorded.map { "to come after \($0)" } ?? "to come after no job"), expected "
                + "the same, found \(after); leave --after and --by-shard as they were, or use another --job name")
    }

    /// The names from one job up to another that it waits for, directly or not.
    private static func path(from job: Int64, to end: Int64, on connection: isolated Connection) throws -> [String]? {
        let rows = try connection.query(
            """
            WITH RECURSIVE up (id, after_job, names) AS (
                SELECT id, after_job, ARRAY[name] FROM jobs WHERE id = \(job)
                UNION ALL
                SELECT j.id, j.after_job, up.names || j.name FROM up JOIN jobs j ON j.id = up.after_job
                WHERE up.id <> \(end))
            SELECT array_to_string(names, ',') AS names FROM up WHERE id = \(end)
            """)
        return try rows.first.map { try $0.string("names").split(separator: ",").map(String.init) }
    }

    /// What a shard of this job that was finished by this transaction has opened: to be hinted.
    static func opened(after job: Int64, on connection: isolated Connection) throws -> [HintTarget] {
        try connection.query(
            """
            SELECT s.id, s.job_id, s.tasks, f.name, f.specification_sha256 AS digest, f.kind, f.capability, f.lane, f.hint_size
            FROM jobs f JOIN shards s ON s.job_id = f.id
            WHERE f.after_job = \(job) AND f.state = 'running' AND s.state = 'open' AND s.hinted_at = now()
              AND \(sql: RowRules.shard)
            ORDER BY f.id, s.number
            """
        ).compactMap(HintTarget.init(row:))
    }

    /// Opens a blocked shard that the triggers have missed.
    static func openWhereItWaitsForNothing(shard: Int64, on connection: isolated Connection) throws {
        _ = try connection.execute(
            """
            UPDATE shards s SET state = 'open', hinted_at = now() FROM jobs j
            WHERE s.id = \(shard) AND j.id = s.job_id AND s.state = 'blocked' AND NOT \(sql: waits)
            """)
    }

    /// The jobs with shards that wait for this one.
    public func waitingJobs(for job: Int64) async throws -> [String] {
        try await Self.waitingJobs(for: job, on: connection)
    }

    static func waitingJobs(for job: Int64, on connection: isolated Connection) throws -> [String] {
        try connection.query(
            """
            SELECT f.name FROM jobs f WHERE f.after_job = \(job) AND f.state <> 'cancelled'
              AND EXISTS (SELECT FROM shards s WHERE s.job_id = f.id AND s.state = 'blocked') ORDER BY f.id
            """
        ).map { row throws(PostgresError) in try row.string("name") }
    }

    /// What a job's blocked shards wait for; `nil` where none is blocked.
    public func wait(of job: Int64) async throws -> JobWait? {
        let rows = try await connection.query(
            """
            SELECT a.name, j.after_by, a.state = 'cancelled' AS cancelled,
                   (SELECT count(*) FROM shards s WHERE s.job_id = j.id AND s.state = 'blocked') AS blocked
            FROM jobs j JOIN jobs a ON a.id = j.after_job WHERE j.id = \(job)
            """)
        guard let row = rows.first, try row.int("blocked") > 0 else { return nil }
        return JobWait(
            after: JobPredecessor(
                job: try row.string("name"), by: JobPredecessor.Step(rawValue: try row.string("after_by")) ?? .job),
            shards: try row.int("blocked"), isInVain: try row.bool("cancelled"))
    }

    /// Whether a shard `s` of a job `j` waits for something that is not finished.
    static let waits: SQL = """
        (j.after_job IS NOT NULL
         AND (NOT EXISTS (SELECT FROM shards p WHERE p.job_id = j.after_job)
              OR EXISTS (SELECT FROM shards p WHERE p.job_id = j.after_job AND p.state <> 'finished'))
         AND NOT (j.after_by = 'shard' AND EXISTS (
             SELECT FROM shards p WHERE p.job_id = j.after_job AND p.number = s.number AND p.state = 'finished')))
        """

    /// Whether a job `j` waits for work that somebody can do: a running job above it has some, and all between run.
    static let mayBeOpened: SQL = """
        (WITH RECURSIVE above (id, after_job) AS (
            SELECT p.id, p.after_job FROM jobs p WHERE p.id = j.after_job AND p.state = 'running'
            UNION ALL
            SELECT p.id, p.after_job FROM above a JOIN jobs p ON p.id = a.after_job AND p.state = 'running')
         SELECT true FROM above a JOIN shards s ON s.job_id = a.id
         WHERE s.state = 'generated' OR (s.state = 'open' AND s.done + s.dead + s.cancelled < s.tasks) LIMIT 1)
        """
}

/// Shards of a job that wait for another job.
public struct JobWait: Sendable, Hashable {
    /// What they wait for.
    public var after: JobPredecessor
    /// How many shards wait.
    public var shards: Int
    /// Whether that job was cancelled, so that they will never begin.
    public var isInVain: Bool
}

extension JobWait: CustomStringConvertible {
    /// One line, with what to do where they wait in vain.
    public var description: String {
        let waiting = "\(shards) shard\(shards == 1 ? "" : "s") wait\(shards == 1 ? "s" : "") for \(after)"
        return isInVain ? "\(waiting), which was cancelled: they will never begin; cancel this job, too" : waiting
    }
}
