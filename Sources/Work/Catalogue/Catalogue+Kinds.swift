// Which kind of task a shard asks for, and what a task of a kind has recorded. No statement names a kind: a task's kind is
// its job's own, or its job's follow-up.

import Postgres
public import Tasks

extension Catalogue {
    /// What a shard `s` of a job `j` asks for in its state, as a LATERAL of kind and capability: the job's own, and once its
    /// tasks are all accounted for, what follows. For shards that are open or generated.
    static let work: SQL = """
        LATERAL (SELECT CASE WHEN s.state = 'generated' THEN j.follow_kind ELSE j.kind END AS kind,
                        CASE WHEN s.state = 'generated' THEN j.follow_capability ELSE j.capability END AS capability)
        """

    /// The kinds of task that shards of a job `j` have, as a LATERAL of kind, capability and whether it is the job's own. The
    /// shard's counters count tasks of its job's own kind; what follows is one task, number 0.
    static let kinds: SQL = """
        LATERAL (VALUES (j.kind, j.capability, true), (j.follow_kind, j.follow_capability, false))
        """

    /// Whether a task row is none that shards `s` of its job `j` have.
    static func isStray(_ task: StaticString) -> SQL {
        let row: SQL = "\(unsafeRaw: "\(task)")"
        return """
            (\(sql: row).number < 0 OR \(sql: row).number >= s.tasks
             OR (\(sql: row).kind <> j.kind AND (\(sql: row).kind IS DISTINCT FROM j.follow_kind OR \(sql: row).number <> 0)))
            """
    }

    /// Joins to tasks `k` of their job's own kind what they have recorded and not lost: an image `o` or a result `r`.
    static let records: SQL = """
        LEFT JOIN outputs o ON o.shard_id = k.shard_id AND o.number = k.number AND o.lost_at IS NULL
        LEFT JOIN results r ON r.shard_id = k.shard_id AND r.kind = k.kind AND r.number = k.number AND r.lost_at IS NULL
        """
    /// Whether a task that ``records`` was joined to has recorded something.
    static let isRecorded: SQL = "(o.number IS NOT NULL OR r.number IS NOT NULL)"

    /// Whether what follows a shard `s` of a job `j` has recorded a result.
    static let hasFollowUpResult: SQL = """
        EXISTS (SELECT FROM results f JOIN tasks d ON d.shard_id = f.shard_id AND d.kind = f.kind AND d.number = f.number
                WHERE f.shard_id = s.id AND f.kind = j.follow_kind AND f.number = 0 AND d.state = 'done')
        """

    /// What a batch's kind is to its job.
    enum KindRole {
        /// The job's own: its tasks count in the shard.
        case own
        /// What follows a complete shard.
        case followUp
    }

    /// What a kind is to a shard's job; `nil` where the shard is gone or has no tasks of that kind.
    static func role(of kind: TaskKind, shard: Int64, on connection: isolated Connection) throws -> KindRole? {
        try connection.query(
            """
            SELECT c.is_own FROM shards s JOIN jobs j ON j.id = s.job_id, \(sql: kinds) c (kind, capability, is_own)
            WHERE s.id = \(shard) AND c.kind = \(kind.rawValue)
            """
        ).first.map { row in try row.bool("is_own") ? .own : .followUp }
    }

    /// The queues of the work that follows complete shards of jobs that are not cancelled: whoever finishes a shard's last
    /// task hints it, even a worker that does not serve that queue.
    public func followUpQueues() async throws -> [WorkQueue] {
        let rows = try await connection.query(
            """
            SELECT DISTINCT follow_kind AS kind, follow_capability AS capability FROM jobs
            WHERE follow_kind IS NOT NULL AND state <> 'cancelled' ORDER BY 1, 2
            """)
        return try rows.flatMap { row in
            let kind = TaskKind(rawValue: try row.string("kind"))
            let capability = Capability(rawValue: try row.string("capability"))
            guard kind.isValid, capability.isValid else { return [WorkQueue]() }
            return WorkQueue.lanes(of: kind, capability)
        }
    }
}
