// The audit equation: tasks = done + dead + cancelled + leased + waiting + open, and counters equal counts.

import Postgres
import Tasks

extension Catalogue {
    /// Shards whose rows are counted in one statement, so that no statement of a large job takes long.
    private static let shardsPerStatement = 64

    /// Counts every shard of a job anew, in the order of their numbers, all as one snapshot shows them.
    public func accounts(job: Int64) async throws -> [ShardAccount] {
        try await snapshot("accounts") { connection in
            var accounts: [ShardAccount] = []
            while true {
                // By the rows that are there: numbers need not be near one another.
                let next = try connection.query(
                    """
                    SELECT id FROM shards WHERE job_id = \(job) AND number > \(accounts.last?.number ?? -1)
                    ORDER BY number LIMIT \(Self.shardsPerStatement)
                    """
                ).map { try $0.int64("id") }
                guard !next.isEmpty else { return accounts }
                accounts += try Self.accounts("s.id = ANY(\(next))", on: connection)
            }
        }
    }

    /// Counts one shard anew; `nil` when it is gone.
    public func account(shard: Int64) async throws -> ShardAccount? {
        try await snapshot("account") { connection in try Self.accounts("s.id = \(shard)", on: connection).first }
    }

    private static func accounts(_ condition: SQL, on connection: isolated Connection) throws -> [ShardAccount] {
        try connection.query(
            """
            SELECT s.id, s.number, s.state::text AS state, s.tasks, s.done, s.dead, s.cancelled, j.allow_dead,
                   j.state = 'cancelled' AS job_cancelled, j.follow_kind AS follow,
                   t.open, t.leased, t.waiting, t.done AS done_rows, t.dead AS dead_rows, t.cancelled AS cancelled_rows,
                   a.strays, a.unprotected, a.long_waits, a.odd, a.follow_state, l.long_leases, r.stray_results,
                   o.odd_outputs + r.odd_results AS odd_records,
                   \(sql: RowRules.shard) AS sound,
                   coalesce(s.created_at > \(sql: RowRules.future) OR s.hinted_at > \(sql: RowRules.future)
                            OR s.due_at > \(sql: RowRules.ahead), false) AS ahead,
                   coalesce(s.tar_bytes < 0 OR s.samples < 0 OR s.samples > s.tasks, false) AS odd_archive,
                   o.unmatched + r.unmatched + t.missing AS unmatched, p.payloads, p.bare,
                   (s.state = 'blocked' AND NOT \(sql: waits)) AS missed,
                   (a.waiting > 0 AND (s.due_at IS NULL OR s.due_at > a.due)) AS forgets
            FROM jobs j JOIN shards s ON s.job_id = j.id,
            LATERAL (\(sql: ownTasks)) t,
            LATERAL (\(sql: allTasks)) a,
            LATERAL (\(sql: leases)) l,
            LATERAL (\(sql: outputRows)) o,
            LATERAL (\(sql: resultRows)) r,
            LATERAL (\(sql: payloadRows)) p
            WHERE \(sql: condition) ORDER BY s.number
            """
        ).map(ShardAccount.init(row:))
    }

    /// Task rows of the job's own kind by state, and done ones that have recorded nothing.
    private static let ownTasks: SQL = """
        SELECT count(*) FILTER (WHERE k.state = 'open') AS open,
               count(*) FILTER (WHERE k.state = 'leased') AS leased,
               count(*) FILTER (WHERE k.state = 'waiting') AS waiting,
               count(*) FILTER (WHERE k.state = 'done') AS done,
               count(*) FILTER (WHERE k.state = 'dead') AS dead,
               count(*) FILTER (WHERE k.state = 'cancelled') AS cancelled,
               count(*) FILTER (WHERE k.state = 'done' AND NOT \(sql: isRecorded)) AS missing
        FROM tasks k \(sql: records)
        WHERE k.shard_id = s.id AND k.kind = j.kind
        """

    /// All task rows of a shard, those that follow it included.
    private static let allTasks: SQL = """
        SELECT count(*) FILTER (WHERE k.state = 'leased' AND l.id IS NULL) AS unprotected,
               count(*) FILTER (WHERE k.state = 'waiting') AS waiting,
               min(coalesce(k.not_before, '-infinity')) FILTER (WHERE k.state = 'waiting') AS due,
               min(k.state::text) FILTER (WHERE k.kind = j.follow_kind AND k.number = 0) AS follow_state,
               count(*) FILTER (WHERE \(sql: isStray("k"))) AS strays,
               count(*) FILTER (WHERE NOT \(sql: RowRules.counts("k"))) AS odd,
               count(*) FILTER (WHERE k.state = 'waiting' AND k.not_before > \(sql: RowRules.ahead)) AS long_waits
        FROM tasks k LEFT JOIN leases l ON l.id = k.lease_id WHERE k.shard_id = s.id
        """

    /// Leases further ahead than any worker's.
    private static let leases: SQL = """
        SELECT count(*) FILTER (WHERE l.expires_at > \(sql: RowRules.ahead)) AS long_leases
        FROM leases l WHERE l.shard_id = s.id
        """

    /// Images without a done task, and images that cannot be.
    private static let outputRows: SQL = """
        SELECT count(*) FILTER (WHERE u.lost_at IS NULL AND k.number IS NULL) AS unmatched,
               count(*) FILTER (WHERE NOT \(sql: RowRules.output)) AS odd_outputs
        FROM outputs u LEFT JOIN tasks k
            ON k.shard_id = u.shard_id AND k.number = u.number AND k.kind = j.kind AND k.state = 'done'
        WHERE u.shard_id = s.id
        """

    /// The same for results, and those of no task that the shard has.
    private static let resultRows: SQL = """
        SELECT count(*) FILTER (WHERE v.lost_at IS NULL AND v.kind = j.kind AND k.number IS NULL) AS unmatched,
               count(*) FILTER (WHERE \(sql: isStray("v"))) AS stray_results,
               count(*) FILTER (WHERE v.epoch < 0) AS odd_results
        FROM results v LEFT JOIN tasks k
            ON k.shard_id = v.shard_id AND k.number = v.number AND k.kind = v.kind AND k.state = 'done'
        WHERE v.shard_id = s.id
        """

    /// Payloads, and tasks without one.
    private static let payloadRows: SQL = """
        SELECT count(*) AS payloads,
               s.tasks - count(*) FILTER (WHERE q.number >= 0 AND q.number < s.tasks) AS bare
        FROM payloads q WHERE q.shard_id = s.id
        """

    /// Images that a job holds more than once: tasks of one (image, sample), beyond the first of each.
    public func doubles(job: Int64) async throws -> [DoubledSample] {
        try await connection.query(
            """
            SELECT p.image_id, p.sample, count(*) - 1 AS extra,
                   string_agg(s.number || '/' || p.number, ', ' ORDER BY s.number, p.number) AS places
            FROM payloads p JOIN shards s ON s.id = p.shard_id WHERE s.job_id = \(job)
            GROUP BY p.image_id, p.sample HAVING count(*) > 1 ORDER BY p.image_id, p.sample
            """
        ).map { row in
            DoubledSample(
                imageID: try row.int("image_id"), sample: try row.int("sample"), extra: try row.int("extra"),
                places: try row.string("places"))
        }
    }
}

/// One (image, sample) that a job has several tasks for.
public struct DoubledSample: Sendable, Hashable {
    /// COCO's image id.
    public var imageID: Int
    /// Which of the image's samples.
    public var sample: Int
    /// Tasks beyond the first.
    public var extra: Int
    /// `shard/task` of all of them.
    public var places: String
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
            "done": try row.int("done_rows"), "dead": try row.int("dead_rows"),
            "cancelled": try row.int("cancelled_rows"),
        ]
        strays = try row.int("strays")
        strayResults = try row.int("stray_results")
        payloads = try row.int("payloads")
        bare = try row.int("bare")
        unmatched = try row.int("unmatched")
        unprotected = try row.int("unprotected")
        forgets = try row.bool("forgets")
        isMissed = try row.bool("missed")
        follow = try row.optionalString("follow")
        followState = try row.optionalString("follow_state")
        allowedDead = try row.int("allow_dead")
        isJobCancelled = try row.bool("job_cancelled")
        isSound = try row.bool("sound")
        isAhead = try row.bool("ahead")
        hasOddArchive = try row.bool("odd_archive")
        longLeases = try row.int("long_leases")
        longWaits = try row.int("long_waits")
        oddTasks = try row.int("odd")
        oddRecords = try row.int("odd_records")
    }
}
