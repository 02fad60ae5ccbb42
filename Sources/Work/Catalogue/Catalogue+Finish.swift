// Recording what became of a batch: only rows whose epoch is the caller's, and counters by exactly the rows that moved.

import Digests
import Postgres
public import Tasks

/// What ``Catalogue/finish(_:results:worker:deviceClass:isReproducible:backoff:)`` recorded.
public struct FinishReport: Sendable, Equatable {
    /// Tasks whose result stands, recorded by this call or by an earlier one of the same claim.
    public var accepted: [Int] = []
    /// Tasks that are no longer the caller's: their lease ran out and somebody else has them or had them.
    public var fenced: [Int] = []
    /// Tasks recorded as failed.
    public var failed: [Int] = []
    /// The work that this call made claimable: what follows the shard.
    public var followUp: HintTarget?
    /// The shards of other jobs that waited for the shard that this call finished.
    public var opened: [HintTarget] = []
}

extension Catalogue {
    /// Records the results of a batch. Safe to call again after a lost answer: what is recorded stays recorded once.
    ///
    /// - Parameters:
    ///   - deviceClass: what the records were made on, recorded with them; `nil` leaves it to the worker's row.
    ///   - isReproducible: whether equal tasks give equal bytes on one device class; what is made again is then held to that.
    ///   - backoff: how long a failed task waits before its next attempt, drawn per attempt.
    public func finish(
        _ batch: TaskBatch, results: [TaskResult], worker: Int64, deviceClass: String? = nil,
        isReproducible: Bool = true, backoff: @escaping @Sendable (Int) -> Duration
    ) async throws -> FinishReport {
        let maker = Maker(worker: worker, deviceClass: deviceClass)
        let results = results.map(\.withinLimits)
        return try await transaction("finish") { connection in
            if let report = try Self.recordWhole(results, of: batch, by: maker, on: connection) { return report }
            let role = try Self.role(of: batch.kind, shard: batch.shard, on: connection)
            let results = results.map { $0.admitted(as: role, kind: batch.kind) }
            let (outcomes, recorded) =
                role == .followUp
                ? (results, try Self.recordFollowUp(results, of: batch, by: maker, on: connection))
                : try Self.recordOwn(
                    results, of: batch, by: maker, isReproducible: isReproducible, on: connection)
            let failed = try Self.recordFailures(outcomes, of: batch, backoff: backoff, on: connection)
            let mayFollow = try Self.settle(shard: batch.shard, on: connection)
            var report = try Self.report(on: outcomes, of: batch, recorded: recorded, failed: failed, on: connection)
            try Self.dropLeaseIfEmpty(batch.lease, shard: batch.shard, kind: batch.kind, on: connection)
            try Self.count(report, worker: worker, on: connection)
            if mayFollow { report.followUp = try Self.followUpTarget(shard: batch.shard, on: connection) }
            report.opened = try Self.opened(after: batch.job.id, on: connection)
            return report
        }
    }

    /// Records what tasks of a job's own kind made.
    /// - Returns: what became of the tasks, and those that this call recorded as done.
    private static func recordOwn(
        _ results: [TaskResult], of batch: TaskBatch, by maker: Maker, isReproducible: Bool,
        on connection: isolated Connection
    ) throws -> (results: [TaskResult], recorded: Set<Int>) {
        // Only a task that was claimed before can have a record that was lost.
        let isHeld = isReproducible && !batch.isFirstClaim
        let divergent = isHeld ? try divergent(results, of: batch, by: maker, on: connection) : [:]
        let results = results.map { divergent[$0.number] ?? $0 }
        var recorded: Set<Int> = []
        func record(_ columns: some RecordColumns) throws {
            guard !columns.isEmpty else { return }
            let rows = try connection.query("\(sql: recording(columns, of: batch, by: maker)) SELECT number FROM mine")
            for row in rows { recorded.insert(try row.int("number")) }
        }
        try record(ImageColumns(results, of: batch))
        for piece in ResultColumns.pieces(results, of: batch) { try record(piece) }
        return (results, recorded)
    }

    /// The promise that equal seeds give equal bytes on one device class, checked where something lost was made again.
    private static func divergent(
        _ results: [TaskResult], of batch: TaskBatch, by maker: Maker, on connection: isolated Connection
    ) throws -> [Int: TaskResult] {
        var made: [Int: (what: String, digest: SHA256Digest)] = [:]
        for result in results {
            switch result.outcome {
            case .image(let image): made[result.number] = ("image", image.digest)
            case .result(let record): made[result.number] = ("result", record.digest)
            case .archive, .failed: continue
            }
        }
        guard !made.isEmpty else { return [:] }
        let rows = try lostRecords(Array(made.keys), of: batch, by: maker, on: connection)
        var divergent: [Int: TaskResult] = [:]
        for row in rows {
            let number = try row.int("number")
            guard let made = made[number], try row.bytes("sha256") != made.digest.bytes else { continue }
            let reason =
                "made again from its seed on the same device class, the \(made.what) has another hash "
                + "(\(made.digest.hex.prefix(12))) than the one that was lost; check the device's memory "
                + "and the engine's determinism"
            divergent[number] = TaskResult(number: number, outcome: .failed(reason: reason, isPermanent: false))
        }
        return divergent
    }

    /// Numbers and hashes of what tasks had recorded and lost, as far as it was made on the maker's class of device.
    private static func lostRecords(
        _ numbers: [Int], of batch: TaskBatch, by maker: Maker, on connection: isolated Connection
    ) throws -> [Row] {
        try connection.query(
            """
            WITH lost AS (
                SELECT shard_id, number, sha256, worker_id, CASE WHEN device_epoch = epoch THEN device_class END AS class
                FROM outputs WHERE shard_id = \(batch.shard) AND number = ANY(\(numbers)) AND lost_at IS NOT NULL
                UNION ALL
                SELECT shard_id, number, sha256, worker_id, device_class
                FROM results WHERE shard_id = \(batch.shard) AND kind = \(batch.kind.rawValue) AND number = ANY(\(numbers))
                  AND lost_at IS NOT NULL)
            SELECT lost.number, lost.sha256 FROM lost
            JOIN shards s ON s.id = lost.shard_id JOIN jobs j ON j.id = s.job_id
            JOIN workers before ON before.id = lost.worker_id JOIN workers mine ON mine.id = \(maker.worker)
            WHERE coalesce(lost.class, \(sql: classOfWorker("before")))
                  = coalesce(\(optional: maker.deviceClass)::text, \(sql: classOfWorker("mine")))
            """)
    }

    /// The device class in a worker's row. It is that of the first handler on a device which the worker serves, so it
    /// says something only about that handler's jobs; NULL for others.
    private static func classOfWorker(_ worker: StaticString) -> SQL {
        """
        (CASE WHEN (SELECT served FROM unnest(\(unsafeRaw: "\(worker)").serves) WITH ORDINALITY AS u (served, place)
                    WHERE served IS DISTINCT FROM j.follow_kind || ' ' || j.follow_capability ORDER BY place LIMIT 1)
                   = j.kind || ' ' || j.capability
              THEN \(unsafeRaw: "\(worker)").device_class END)
        """
    }

    /// Makes a shard whose tasks are all accounted for its follow-up's work, or finished where nothing follows, in the same
    /// transaction as its last task. In a cancelled job it cancels what came back instead.
    ///
    /// The caller that moved the shard's last task holds the lock of its row and so sees all its counters; a caller that moved
    /// nothing may see old ones, and leaves the shard to those who did.
    /// - Returns: whether the shard may have a task of what follows.
    @discardableResult
    static func settle(shard: Int64, on connection: isolated Connection) throws -> Bool {
        let rows = try connection.query(
            """
            SELECT j.state::text AS job, s.state::text AS shard, s.done + s.dead = s.tasks AS complete,
                   j.follow_kind IS NOT NULL AS followed
            FROM shards s JOIN jobs j ON j.id = s.job_id WHERE s.id = \(shard) AND \(sql: RowRules.shard)
            """)
        guard let row = rows.first else { return false }
        guard try row.string("job") != JobState.cancelled.rawValue else {
            try sweepCancelled([shard], on: connection)
            return false
        }
        guard try row.string("shard") == "open", try row.bool("complete") else {
            return try row.string("shard") == "generated"
        }
        _ = try connection.execute(completing(shard))
        return try row.bool("followed")
    }

    /// Asks for what follows a complete shard, or finishes it where nothing does. The follow-up's task comes first: a
    /// shard without it is taken for one that an earlier version completed (0008_kinds.sql).
    private static func completing(_ shard: Int64) -> SQL {
        """
        WITH complete AS (
            SELECT s.id, j.follow_kind FROM shards s JOIN jobs j ON j.id = s.job_id
            WHERE s.id = \(shard) AND s.state = 'open' AND s.cancelled = 0 AND s.done > 0
              AND s.done + s.dead = s.tasks AND s.dead <= j.allow_dead
            FOR UPDATE OF s),
        asked AS (
            INSERT INTO tasks AS t (shard_id, kind, number)
            SELECT id, follow_kind, 0 FROM complete WHERE follow_kind IS NOT NULL
            ON CONFLICT (shard_id, kind, number) DO UPDATE
            SET state = 'open', attempt = 0, deaths = 0, returns = 0, lease_id = NULL, not_before = NULL, reason = NULL
            RETURNING t.shard_id)
        UPDATE shards s SET hinted_at = now(),
               state = (CASE WHEN a.shard_id IS NULL THEN 'finished' ELSE 'generated' END)::shard_state,
               finished_at = CASE WHEN a.shard_id IS NULL THEN now() END
        FROM complete c LEFT JOIN asked a ON a.shard_id = c.id
        WHERE s.id = c.id
        """
    }

    private static func report(
        on results: [TaskResult], of batch: TaskBatch, recorded: Set<Int>, failed: [Int],
        on connection: isolated Connection
    ) throws -> FinishReport {
        let open = results.map(\.number).filter { !failed.contains($0) }
        if open.allSatisfy(recorded.contains) { return FinishReport(accepted: open, failed: failed) }
        let epochs = batch.epochs
        let rows = try connection.query(
            """
            SELECT t.number FROM tasks t
            JOIN unnest(\(Array(epochs.keys)), \(Array(epochs.values))) AS g (number, epoch) USING (number, epoch)
            WHERE t.shard_id = \(batch.shard) AND t.kind = \(batch.kind.rawValue) AND t.state = 'done'
            """)
        let done = Set(try rows.map { try $0.int("number") })
        var report = FinishReport(failed: failed)
        for number in open {
            if done.contains(number) { report.accepted.append(number) } else { report.fenced.append(number) }
        }
        return report
    }

    /// How a lease ends: its row goes with the statement, by the table's trigger, since workers may not delete.
    static var endingLeases: SQL { "UPDATE leases SET expires_at = '-infinity'" }

    static func dropLeaseIfEmpty(
        _ lease: Int64, shard: Int64, kind: TaskKind, on connection: isolated Connection
    ) throws {
        _ = try connection.execute(
            """
            \(sql: endingLeases) WHERE id = \(lease) AND NOT EXISTS (
                SELECT FROM tasks WHERE shard_id = \(shard) AND kind = \(kind.rawValue) AND state = 'leased'
                  AND lease_id = \(lease))
            """)
    }

    private static func count(_ report: FinishReport, worker: Int64, on connection: isolated Connection) throws {
        _ = try connection.execute(
            """
            UPDATE workers SET done = done + \(report.accepted.count), failed = failed + \(report.failed.count),
                   seen_at = now()
            WHERE id = \(worker)
            """)
    }

    static func followUpTarget(shard: Int64, on connection: isolated Connection) throws -> HintTarget? {
        try connection.query(
            """
            SELECT s.id, s.job_id, 1 AS tasks, j.name, j.specification_sha256 AS digest, j.follow_kind AS kind,
                   j.follow_capability AS capability, j.lane, j.hint_size
            FROM shards s JOIN jobs j ON j.id = s.job_id
            JOIN tasks t ON t.shard_id = s.id AND t.kind = j.follow_kind AND t.number = 0 AND t.state = 'open'
            WHERE s.id = \(shard) AND s.state = 'generated'
            """
        ).compactMap(HintTarget.init(row:)).first
    }
}

extension TaskBatch {
    /// The fencing number of each task.
    var epochs: [Int: Int] {
        Dictionary(items.map { ($0.number, $0.epoch) }, uniquingKeysWith: { first, _ in first })
    }
    /// Whether nobody ever claimed any of its tasks before.
    var isFirstClaim: Bool { items.allSatisfy { $0.epoch == 1 } }
}
