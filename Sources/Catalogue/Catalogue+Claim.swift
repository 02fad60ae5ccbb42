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
    /// state
    /// guard of ``finish(_:results:worker:)`` would not count exactly once.
    /// - Parameter capability: what the caller can do; a hint that strayed into another queue then claims nothing. `nil`
    ///   claims whatever the hint means.
    public func claim(
        _ hint: Hint, capability: Capability? = nil, limit: Int, worker: Int64, lease: Duration
    ) async throws -> Claim {
        precondition(limit >= 1, "a claim takes at least one task")
        return try await transaction("claim", synchronousCommit: false) { connection in
            guard let target = try Self.target(of: hint, on: connection),
                capability == nil || capability == target.hints.queue.capability
            else { return Claim() }
            var items = try Self.take(hint, limit: limit, suspects: false, worker: worker, lease: lease, on: connection)
            if items.isEmpty {
                items = try Self.take(hint, limit: 1, suspects: true, worker: worker, lease: lease, on: connection)
            }
            guard let lease = items.first?.lease else { return Claim() }
            let complete = try Self.withPayloads(items.map(\.item), of: hint, lease: lease, on: connection)
            // A claim of the whole range leaves nothing of it.
            let rest =
                items.count == hint.count ? nil : try Self.rest(of: hint, target: target.hints, on: connection)
            guard !complete.isEmpty else { return Claim(rest: rest) }
            let batch = TaskBatch(
                kind: hint.kind, job: target.job, shard: hint.shard, shardNumber: target.shardNumber, lease: lease,
                items: complete)
            return Claim(batch: batch, rest: rest)
        }
    }

    private struct Target {
        var job: TaskBatch.Job
        var shardNumber: Int
        var hints: HintTarget
    }

    /// The running job and shard that the hint means, if they are what it says they are.
    private static func target(of hint: Hint, on connection: isolated Connection) throws -> Target? {
        let rows = try connection.query(
            """
            SELECT s.id, s.job_id, s.number, s.tasks, j.name, j.specification, j.specification_sha256 AS digest,
                   \(hint.kind.rawValue) AS kind, j.lane, j.hint_size,
                   CASE WHEN \(hint.kind.rawValue) = 'pack' THEN 'archive' ELSE j.capability END AS capability
            FROM shards s JOIN jobs j ON j.id = s.job_id
            WHERE s.id = \(hint.shard) AND j.id = \(hint.job) AND j.state = 'running'
              AND j.specification_sha256 = \(hint.specification.bytes)
              AND s.state = (CASE WHEN \(hint.kind.rawValue) = 'pack' THEN 'generated' ELSE 'open' END)::shard_state
            """)
        guard let row = rows.first else { return nil }
        let job = TaskBatch.Job(
            id: hint.job, name: try row.string("name"), specification: try row.string("specification"),
            digest: hint.specification)
        return Target(job: job, shardNumber: try row.int("number"), hints: try HintTarget(row: row))
    }

    private static func take(
        _ hint: Hint, limit: Int, suspects: Bool, worker: Int64, lease: Duration, on connection: isolated Connection
    ) throws -> [(item: TaskBatch.Item, lease: Int64)] {
        let rows = try connection.query(
            """
            WITH picked AS (
                SELECT number FROM tasks
                WHERE shard_id = \(hint.shard) AND kind = \(hint.kind.rawValue) AND state = 'open'
                  AND number >= \(hint.first) AND number < \(hint.first + hint.count)
                  AND (deaths >= \(deathsBeforeSingleClaims)) = \(suspects)
                ORDER BY number LIMIT \(limit) FOR UPDATE SKIP LOCKED),
            held AS (
                INSERT INTO leases (worker_id, shard_id, kind, expires_at)
                SELECT \(worker), \(hint.shard), \(hint.kind.rawValue), now() + \(lease.inSeconds) * interval '1 second'
                WHERE EXISTS (SELECT FROM picked)
                RETURNING id),
            taken AS (
                UPDATE tasks t SET state = 'leased', epoch = t.epoch + 1, lease_id = held.id
                FROM picked, held
                WHERE t.shard_id = \(hint.shard) AND t.kind = \(hint.kind.rawValue) AND t.number = picked.number
                RETURNING t.number, t.epoch, t.attempt, t.lease_id)
            SELECT * FROM taken ORDER BY number
            """)
        return try rows.map { row in
            let item = TaskBatch.Item(
                number: try row.int("number"), epoch: try row.int("epoch"), attempt: try row.int("attempt"), payload: []
            )
            return (item, Int64(try row.int("lease_id")))
        }
    }

    /// The items with what they carry. A task whose payload row is gone is dead at once: an error here would end every
    /// worker that claims it, one after the other.
    private static func withPayloads(
        _ items: [TaskBatch.Item], of hint: Hint, lease: Int64, on connection: isolated Connection
    ) throws -> [TaskBatch.Item] {
        guard hint.kind.countsInShard else { return items }
        let rows = try connection.query(
            "SELECT number, payload FROM payloads WHERE shard_id = \(hint.shard) AND number = "
                + "ANY(\(items.map(\.number)))"
        )
        var payloads: [Int: [UInt8]] = [:]
        for row in rows { payloads[try row.int("number")] = try row.bytes("payload") }
        let bare = items.map(\.number).filter { payloads[$0] == nil }
        if !bare.isEmpty { try bury(bare, of: hint, lease: lease, on: connection) }
        return items.compactMap { item in
            guard let payload = payloads[item.number] else { return nil }
            var item = item
            item.payload = payload
            return item
        }
    }

    /// Gives up tasks, just claimed, that have no payload.
    private static func bury(
        _ numbers: [Int], of hint: Hint, lease: Int64, on connection: isolated Connection
    ) throws {
        let reason = "its payload row is missing from the catalogue; restore it, or purge the job and enqueue it again"
        _ = try connection.execute(
            """
            WITH buried AS (
                UPDATE tasks SET state = 'dead', attempt = attempt + 1, lease_id = NULL, reason = \(reason)
                WHERE shard_id = \(hint.shard) AND kind = \(hint.kind.rawValue) AND number = ANY(\(numbers))
                RETURNING number)
            UPDATE shards SET dead = dead + (SELECT count(*)::integer FROM buried) WHERE id = \(hint.shard)
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
            """
        ).one("SELECT min(number)")
        guard let first = try row.optionalInt("first"), let last = try row.optionalInt("last") else { return nil }
        var rest = target
        rest.range = first..<(last + 1)
        rest.hintSize = hint.count
        return rest
    }
}

extension TaskKind {
    /// Whether the shard's counters count tasks of this kind: those that a producer enqueued, with payloads.
    var countsInShard: Bool { self != .pack }
}

extension Duration {
    /// Seconds, for interval arithmetic on the server.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
