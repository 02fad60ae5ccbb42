// What happens to tasks that did not succeed: failed attempts, work given back, leases that ran out.

import Postgres
public import Tasks

extension Catalogue {
    /// Moves failed tasks to waiting or dead, and the shard's counters with them.
    /// - Returns: the numbers that moved.
    static func recordFailures(
        _ results: [TaskResult], of batch: TaskBatch, backoff: @Sendable (Int) -> Duration,
        on connection: isolated Connection
    ) throws -> [Int] {
        let items = Dictionary(batch.items.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first })
        var numbers: [Int] = [], epochs: [Int] = [], reasons: [String] = [], permanent: [Bool] = [],
            delays: [Double] = []
        for result in results {
            guard case .failed(let reason, let isPermanent) = result.outcome, let item = items[result.number] else {
                continue
            }
            numbers.append(item.number)
            epochs.append(item.epoch)
            reasons.append(String(reason.prefix(2000)))
            permanent.append(isPermanent)
            delays.append(min(backoff(item.attempt), longestWait).inSeconds)
        }
        guard !numbers.isEmpty else { return [] }
        let moved = try connection.query(
            """
            WITH given AS (
                SELECT * FROM unnest(\(numbers), \(epochs), \(reasons), \(permanent), \(delays))
                    AS g (number, epoch, reason, permanent, delay))
            UPDATE tasks t SET attempt = least(t.attempt + 1, 32767), lease_id = NULL, reason = g.reason,
                   state = (CASE WHEN g.permanent OR t.attempt + 1 >= j.max_attempts THEN 'dead' ELSE 'waiting' END)::task_state,
                   not_before = now() + g.delay * interval '1 second'
            FROM given g, shards s, jobs j
            WHERE t.shard_id = \(batch.shard) AND t.kind = \(batch.kind.rawValue) AND t.number = g.number
              AND t.epoch = g.epoch AND t.state = 'leased' AND s.id = t.shard_id AND j.id = s.job_id
            RETURNING t.number, t.state::text AS state, t.reason
            """)
        try tally(moved, shard: batch.shard, kind: batch.kind, on: connection)
        return try moved.map { try $0.int("number") }
    }

    /// Adds what became dead or waiting to the shard's row.
    private static func tally(
        _ moved: [Row], shard: Int64, kind: TaskKind, on connection: isolated Connection
    ) throws {
        guard !moved.isEmpty else { return }
        let dead = try moved.filter { try $0.string("state") == TaskState.dead.rawValue }
        if dead.count < moved.count {
            _ = try connection.execute(
                """
                UPDATE shards SET due_at = least(due_at, (
                    SELECT min(not_before) FROM tasks WHERE shard_id = \(shard) AND kind = \(kind.rawValue) AND state = 'waiting'
                      AND not_before <= \(sql: RowRules.ahead)))
                WHERE id = \(shard)
                """)
        }
        guard let first = dead.first else { return }
        switch try role(of: kind, shard: shard, on: connection) {
        case .own:
            _ = try connection.execute(
                "UPDATE shards SET dead = least(dead + \(dead.count), tasks - done - cancelled) WHERE id = \(shard)")
        case .followUp:
            _ = try connection.execute(
                "UPDATE shards SET state = 'quarantined', reason = \(try first.string("reason")) WHERE "
                    + "id = \(shard) AND state = 'generated'"
            )
        // Rows that no program wrote: nobody waits for them.
        case nil: break
        }
    }

    /// Gives a batch back unfinished; no attempt is counted.
    /// - Parameter hasBegun: whether it was being computed, which `tasks` counts: work that is given back again and again
    ///   shows, though nothing dies of it.
    /// - Returns: what is claimable again, to be hinted.
    public func release(_ batch: TaskBatch, hasBegun: Bool = false) async throws -> HintTarget? {
        try await transaction("release") { connection in
            let epochs = batch.epochs
            let released = try connection.query(
                """
                UPDATE tasks t SET state = 'open', lease_id = NULL, not_before = NULL,
                       returns = least(t.returns + \(hasBegun ? 1 : 0), 32767)
                FROM unnest(\(Array(epochs.keys)), \(Array(epochs.values))) AS g (number, epoch)
                WHERE t.shard_id = \(batch.shard) AND t.kind = \(batch.kind.rawValue) AND t.number = g.number
                  AND t.epoch = g.epoch AND t.state = 'leased'
                RETURNING t.number
                """)
            try Self.dropLeaseIfEmpty(batch.lease, shard: batch.shard, kind: batch.kind, on: connection)
            try Self.settle(shard: batch.shard, on: connection)
            let numbers = try released.map { try $0.int("number") }
            return try Self.hintTarget(shard: batch.shard, kind: batch.kind, numbers: numbers, on: connection)
        }
    }

    /// Takes the tasks of one expired lease away from their worker: attempt + 1, one more death. A lease further ahead
    /// than any worker's protects nothing, either.
    /// - Parameters:
    ///   - backoff: how long they wait before the next attempt.
    ///   - grace: how long after PostgreSQL's start no lease runs out: nobody could renew while the server was away.
    /// - Returns: false when no lease had expired.
    public func expireOneLease(backoff: Duration, grace: Duration = .zero) async throws -> Bool {
        try await transaction("expire") { connection in
            let expired = try connection.query(
                """
                \(sql: Self.endingLeases) WHERE id = (
                    SELECT id FROM leases
                    WHERE (expires_at < now() OR expires_at > \(sql: RowRules.ahead))
                      AND pg_postmaster_start_time() <= now() - \(grace.inSeconds) * interval '1 second'
                    ORDER BY expires_at LIMIT 1 FOR UPDATE SKIP LOCKED)
                RETURNING id, shard_id, kind, worker_id
                """)
            guard let lease = expired.first else { return false }
            let shard = Int64(try lease.int("shard_id"))
            let kind = TaskKind(rawValue: try lease.string("kind"))
            let reason = "worker \(try lease.int("worker_id")) died or could not renew its lease"
            let moved = try connection.query(
                """
                UPDATE tasks t SET attempt = least(t.attempt + 1, 32767), deaths = least(t.deaths + 1, 32767), lease_id = NULL,
                       reason = \(reason),
                       state = (CASE WHEN t.attempt + 1 >= j.max_attempts THEN 'dead' ELSE 'waiting' END)::task_state,
                       not_before = now() + \(min(backoff, Self.longestWait).inSeconds) * interval '1 second'
                FROM shards s, jobs j
                WHERE t.shard_id = \(shard) AND t.kind = \(kind.rawValue) AND t.state = 'leased'
                  AND t.lease_id = \(Int64(try lease.int("id"))) AND s.id = t.shard_id AND j.id = s.job_id
                  AND \(sql: RowRules.shard) AND \(sql: RowRules.task("t", of: "s.tasks"))
                RETURNING t.number, t.state::text AS state, t.reason
                """)
            try Self.tally(moved, shard: shard, kind: kind, on: connection)
            try Self.settle(shard: shard, on: connection)
            return true
        }
    }

    /// Where hints for these tasks go; `nil` for none, and for tasks of a job that is not running.
    static func hintTarget(
        shard: Int64, kind: TaskKind, numbers: [Int], on connection: isolated Connection
    ) throws -> HintTarget? {
        guard let first = numbers.min(), let last = numbers.max() else { return nil }
        return try connection.query(
            """
            SELECT s.id, s.job_id, \(first) AS first, \(last - first + 1) AS tasks, j.name,
                   j.specification_sha256 AS digest, c.kind, c.capability, j.lane, j.hint_size
            FROM shards s JOIN jobs j ON j.id = s.job_id, \(sql: kinds) c (kind, capability, is_own)
            WHERE s.id = \(shard) AND j.state = 'running' AND c.kind = \(kind.rawValue)
            """
        ).compactMap(HintTarget.init(row:)).first
    }
}
