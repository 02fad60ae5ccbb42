// Claiming: which of the tasks that a hint speaks of become this worker's, and until when.

import Digests
import Postgres
public import Tasks

/// What a claim returned.
public struct Claim: Sendable {
    /// The tasks that are now this worker's; `nil` when nothing was claimable.
    public var batch: TaskBatch?
    /// The rest of the hinted range, if something in it is still open: hint it, confirmed, before acknowledging.
    public var rest: HintTarget?
}

extension Catalogue {
    /// How often a batch may lose its worker before its tasks are claimed one at a time, so that one poison layout does
    /// not sink its neighbours.
    public static let deathsBeforeSingleClaims = 2

    /// Claims at most `limit` open tasks of the hinted range: epoch + 1, one lease of `lease` for all of them.
    ///
    /// Commits without waiting for the disc: a lost claim is harmless, since nothing was done under it yet that the
    /// state guard of ``finish(_:results:worker:deviceClass:isReproducible:backoff:)`` would not count exactly once.
    /// - Parameter capability: what the caller can do; a hint that strayed into another queue then claims nothing. `nil`
    ///   claims whatever the hint means.
    public func claim(
        _ hint: Hint, capability: Capability? = nil, limit: Int, worker: Int64, lease: Duration
    ) async throws -> Claim {
        precondition(limit >= 1, "a claim takes at least one task")
        return try await transaction("claim", synchronousCommit: false) { connection in
            try Self.claim(
                hint, capability: capability, limit: limit, worker: worker, lease: lease, announcesRest: true,
                on: connection)
        }
    }

    /// - Parameter announcesRest: whether to look for what is left of the hinted range.
    static func claim(
        _ hint: Hint, capability: Capability?, limit: Int, worker: Int64, lease: Duration, announcesRest: Bool,
        on connection: isolated Connection
    ) throws -> Claim {
        let rows = try takeOpen(
            hint, capability: capability, limit: limit, worker: worker, lease: lease, on: connection)
        guard let first = rows.first, let target = try Target(row: first, hint: hint) else { return Claim() }
        var items = try items(in: rows, of: hint)
        if items.isEmpty { items = try takeSuspect(hint, worker: worker, lease: lease, on: connection) }
        guard let lease = items.first?.lease else { return Claim() }
        let complete =
            target.isOwn ? try withPayloads(items, of: hint, lease: lease, on: connection) : items.map(\.item)
        // A claim of the whole range leaves nothing of it.
        let rest =
            items.count == hint.count || !announcesRest
            ? nil : try rest(of: hint, target: target.hints, on: connection)
        guard !complete.isEmpty else { return Claim(rest: rest) }
        let batch = TaskBatch(
            kind: hint.kind, job: target.job, isOwn: target.isOwn, shard: hint.shard, shardNumber: target.shardNumber,
            lease: lease, items: complete)
        return Claim(batch: batch, rest: rest)
    }

    /// The running job and shard that a hint means.
    private struct Target {
        var job: TaskBatch.Job
        var shardNumber: Int
        var hints: HintTarget
        /// Whether its tasks are of the job's own kind: those that a producer enqueued, with payloads.
        var isOwn: Bool

        init?(row: Row, hint: Hint) throws {
            guard let hints = try HintTarget(row: row) else { return nil }
            self.hints = hints
            job = TaskBatch.Job(
                id: hint.job, name: try row.string("name"), specification: try row.string("specification"),
                digest: hint.specification)
            shardNumber = try row.int("shard_number")
            isOwn = try row.bool("own")
        }
    }

    /// A task that was just taken; its payload is `nil` where the row is missing.
    private struct Taken {
        var item: TaskBatch.Item
        var lease: Int64
        var payload: [UInt8]?

        init(row: Row) throws {
            item = TaskBatch.Item(
                number: try row.int("task"), epoch: try row.int("epoch"), attempt: try row.int("attempt"), payload: [])
            lease = try row.int64("lease_id")
            payload = try row.optionalBytes("payload")
        }
    }

    /// Looks whether the hint means a running job and shard, and takes its open tasks, in one statement.
    ///
    /// Tasks and payloads are found between their least and greatest number: with a join by number alone, a plan made
    /// while the tables are small reads the whole shard for each task.
    /// - Returns: none when the hint means nothing that runs; else what it means, beside the tasks in their order, or
    ///   beside nothing. The specification is in the first row.
    private static func takeOpen(
        _ hint: Hint, capability: Capability?, limit: Int, worker: Int64, lease: Duration,
        on connection: isolated Connection
    ) throws -> [Row] {
        try connection.query(
            """
            WITH target AS MATERIALIZED (
                SELECT s.id, s.job_id, s.number AS shard_number, s.tasks, j.name, j.specification,
                       j.specification_sha256 AS digest, c.kind, c.capability, c.kind = j.kind AS own, j.lane, j.hint_size
                FROM shards s JOIN jobs j ON j.id = s.job_id, \(sql: work) c
                WHERE s.id = \(hint.shard) AND j.id = \(hint.job) AND j.state = 'running'
                  AND j.specification_sha256 = \(hint.specification.bytes) AND \(sql: RowRules.shard)
                  AND s.state IN ('open', 'generated') AND c.kind = \(hint.kind.rawValue)
                  AND c.capability = coalesce(\(capability?.rawValue), c.capability)),
            picked AS (
                SELECT number FROM tasks
                WHERE shard_id = \(hint.shard) AND kind = \(hint.kind.rawValue) AND state = 'open'
                  AND number >= \(hint.first) AND number < \(hint.first + hint.count)
                  AND deaths < \(deathsBeforeSingleClaims) AND EXISTS (SELECT FROM target)
                  AND \(sql: RowRules.task("tasks", of: "(SELECT tasks FROM target)"))
                ORDER BY number LIMIT \(limit) FOR UPDATE SKIP LOCKED),
            \(sql: taking(hint, worker: worker, lease: lease))
            SELECT m.id, m.job_id, m.shard_number, m.tasks, m.name, m.digest, m.kind, m.lane, m.hint_size, m.capability, m.own,
                   CASE WHEN row_number() OVER (ORDER BY t.number) = 1 THEN m.specification END AS specification,
                   t.number AS task, t.epoch, t.attempt, t.lease_id, \(sql: payload)
            FROM target m LEFT JOIN taken t ON true
            LEFT JOIN payloads p ON p.shard_id = \(hint.shard) AND p.number = t.number
             AND p.number >= (SELECT min(number) FROM picked) AND p.number <= (SELECT max(number) FROM picked)
            ORDER BY t.number
            """, prepared: true)
    }

    /// Takes the first open task whose worker died too often to claim it together with others.
    private static func takeSuspect(
        _ hint: Hint, worker: Int64, lease: Duration, on connection: isolated Connection
    ) throws -> [Taken] {
        try connection.query(
            """
            WITH picked AS (
                SELECT number FROM tasks
                WHERE shard_id = \(hint.shard) AND kind = \(hint.kind.rawValue) AND state = 'open'
                  AND number >= \(hint.first) AND number < \(hint.first + hint.count)
                  AND deaths >= \(deathsBeforeSingleClaims)
                  AND \(sql: RowRules.task("tasks", of: RowRules.tasks(ofShard: hint.shard)))
                ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED),
            \(sql: taking(hint, worker: worker, lease: lease))
            SELECT t.number AS task, t.epoch, t.attempt, t.lease_id, \(sql: payload)
            FROM taken t LEFT JOIN payloads p ON p.shard_id = \(hint.shard) AND p.number = t.number
            """
        ).map(Taken.init(row:))
    }

    /// A payload `p`; NULL for one that no producer writes, which would take the worker's memory.
    private static let payload: SQL =
        "CASE WHEN octet_length(p.payload) <= 67108864 THEN p.payload END AS payload"

    /// What follows `picked`: one lease, and the tasks under it.
    private static func taking(_ hint: Hint, worker: Int64, lease: Duration) -> SQL {
        """
        held AS (
            INSERT INTO leases (worker_id, shard_id, kind, expires_at)
            SELECT \(worker), \(hint.shard), \(hint.kind.rawValue), now() + \(min(lease, longestWait).inSeconds) * interval '1 second'
            WHERE EXISTS (SELECT FROM picked)
            RETURNING id),
        taken AS (
            UPDATE tasks t SET state = 'leased', epoch = t.epoch + 1, lease_id = held.id, not_before = NULL
            FROM picked, held
            WHERE t.shard_id = \(hint.shard) AND t.kind = \(hint.kind.rawValue) AND t.number = picked.number
              AND t.number >= (SELECT min(number) FROM picked) AND t.number <= (SELECT max(number) FROM picked)
            RETURNING t.number, t.epoch, t.attempt, t.lease_id)
        """
    }

    private static func items(in rows: [Row], of hint: Hint) throws -> [Taken] {
        guard let first = rows.first, try first.optionalInt("task") != nil else { return [] }
        return try rows.map(Taken.init(row:))
    }

    /// The items with what they carry. A task whose payload row is gone is dead at once: an error here would end every
    /// worker that claims it, one after the other.
    private static func withPayloads(
        _ taken: [Taken], of hint: Hint, lease: Int64, on connection: isolated Connection
    ) throws -> [TaskBatch.Item] {
        let bare = taken.filter { $0.payload == nil }.map(\.item.number)
        if !bare.isEmpty { try bury(bare, of: hint, lease: lease, on: connection) }
        return taken.compactMap { task in
            guard let payload = task.payload else { return nil }
            var item = task.item
            item.payload = payload
            return item
        }
    }

    /// Gives up tasks, just claimed, that have no payload.
    private static func bury(
        _ numbers: [Int], of hint: Hint, lease: Int64, on connection: isolated Connection
    ) throws {
        let reason =
            "its payload row is missing from the catalogue or over 64 MiB; restore it, or purge the job and enqueue it again"
        _ = try connection.execute(
            """
            WITH buried AS (
                UPDATE tasks SET state = 'dead', attempt = least(attempt + 1, 32767), lease_id = NULL, reason = \(reason)
                WHERE shard_id = \(hint.shard) AND kind = \(hint.kind.rawValue) AND number = ANY(\(numbers))
                RETURNING number)
            UPDATE shards SET dead = least(dead + (SELECT count(*)::integer FROM buried), tasks - done - cancelled) WHERE id = \(hint.shard)
            """)
        try dropLeaseIfEmpty(lease, shard: hint.shard, kind: hint.kind, on: connection)
        try settle(shard: hint.shard, on: connection)
    }

    private static func rest(
        of hint: Hint, target: HintTarget, on connection: isolated Connection
    ) throws -> HintTarget? {
        let row = try connection.query(
            """
            SELECT min(number) AS first, max(number) AS last FROM tasks
            WHERE shard_id = \(hint.shard) AND kind = \(hint.kind.rawValue) AND state = 'open'
              AND number >= \(hint.first) AND number < \(hint.first + hint.count)
              AND \(sql: RowRules.task("tasks", of: RowRules.tasks(ofShard: hint.shard)))
            """
        ).one("SELECT min(number)")
        guard let first = try row.optionalInt("first"), let last = try row.optionalInt("last") else { return nil }
        var rest = target
        rest.range = first..<(last + 1)
        rest.hintSize = hint.count
        return rest
    }
}

extension Duration {
    /// Seconds, for interval arithmetic on the server.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
