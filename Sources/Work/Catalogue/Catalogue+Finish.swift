// Recording what became of a batch: only rows whose epoch is the caller's, and counters by exactly the rows that moved.

import Digests
import Postgres
public import Tasks

/// What ``Catalogue/finish(_:results:worker:deviceClass:backoff:)`` recorded.
public struct FinishReport: Sendable, Equatable {
    /// Tasks whose result stands, recorded by this call or by an earlier one of the same claim.
    public var accepted: [Int] = []
    /// Tasks that are no longer the caller's: their lease ran out and somebody else has them or had them.
    public var fenced: [Int] = []
    /// Tasks recorded as failed.
    public var failed: [Int] = []
    /// The follow-up work that this call made claimable: the shard's pack task.
    public var followUp: HintTarget?
    /// The shards of other jobs that waited for the shard that this call finished.
    public var opened: [HintTarget] = []
}

extension Catalogue {
    /// Records the results of a batch. Safe to call again after a lost answer: what is recorded stays recorded once.
    ///
    /// - Parameters:
    ///   - deviceClass: what the outputs were made on, recorded with them; `nil` leaves it to the worker's row.
    ///   - backoff: how long a failed task waits before its next attempt, drawn per attempt.
    public func finish(
        _ batch: TaskBatch, results: [TaskResult], worker: Int64, deviceClass: String? = nil,
        backoff: @escaping @Sendable (Int) -> Duration
    ) async throws -> FinishReport {
        let maker = Maker(worker: worker, deviceClass: deviceClass)
        return try await transaction("finish") { connection in
            if let report = try Self.recordWhole(results, of: batch, by: maker, on: connection) { return report }
            // Only a task that was claimed before can have an output that was lost.
            let isFirstClaim = batch.isFirstClaim
            let divergent = isFirstClaim ? [:] : try Self.divergent(results, of: batch, by: maker, on: connection)
            let results = results.map { divergent[$0.number] ?? $0 }
            let recorded = try Self.recordOutputs(results, of: batch, by: maker, on: connection)
            try Self.recordArchives(results, of: batch, on: connection)
            let failed = try Self.recordFailures(results, of: batch, backoff: backoff, on: connection)
            let isGenerated = try Self.settle(shard: batch.shard, on: connection)
            var report = try Self.report(on: results, of: batch, recorded: recorded, failed: failed, on: connection)
            try Self.dropLeaseIfEmpty(batch.lease, shard: batch.shard, kind: batch.kind, on: connection)
            try Self.count(report, worker: worker, on: connection)
            if isGenerated { report.followUp = try Self.packTarget(shard: batch.shard, on: connection) }
            report.opened = try Self.opened(after: batch.job.id, on: connection)
            return report
        }
    }

    /// The promise that equal seeds give equal bytes on one device class, checked where a lost image was made again.
    private static func divergent(
        _ results: [TaskResult], of batch: TaskBatch, by maker: Maker, on connection: isolated Connection
    ) throws -> [Int: TaskResult] {
        var digests: [Int: OutputRecord] = [:]
        for result in results { if case .output(let output) = result.outcome { digests[result.number] = output } }
        guard !digests.isEmpty else { return [:] }
        let rows = try connection.query(
            """
            SELECT o.number, o.sha256 FROM outputs o
            JOIN shards s ON s.id = o.shard_id JOIN jobs j ON j.id = s.job_id
            JOIN workers before ON before.id = o.worker_id JOIN workers mine ON mine.id = \(maker.worker)
            WHERE o.shard_id = \(batch.shard) AND o.number = ANY(\(Array(digests.keys))) AND o.lost_at IS NOT NULL
              AND coalesce(CASE WHEN o.device_epoch = o.epoch THEN o.device_class END, \(sql: classOfWorker("before")))
                  = coalesce(\(optional: maker.deviceClass)::text, \(sql: classOfWorker("mine")))
            """)
        var divergent: [Int: TaskResult] = [:]
        for row in rows {
            let number = try row.int("number")
            guard let output = digests[number], try row.bytes("sha256") != output.digest.bytes else { continue }
            let reason =
                "made again from its seed on the same device class, the image has another hash "
                + "(\(output.digest.hex.prefix(12))) than the one that was lost; check the device's memory "
                + "and the engine's determinism"
            divergent[number] = TaskResult(number: number, outcome: .failed(reason: reason, isPermanent: false))
        }
        return divergent
    }

    /// The device class in a worker's row. It is that of the first generator which the worker serves, so it says
    /// something only about that generator's jobs; NULL for others.
    private static func classOfWorker(_ worker: StaticString) -> SQL {
        """
        (CASE WHEN (SELECT served FROM unnest(\(unsafeRaw: "\(worker)").serves) WITH ORDINALITY AS u (served, place)
                    WHERE served NOT LIKE 'pack %' ORDER BY place LIMIT 1) = j.kind || ' ' || j.capability
              THEN \(unsafeRaw: "\(worker)").device_class END)
        """
    }

    /// - Returns: the tasks that this call recorded as done.
    private static func recordOutputs(
        _ results: [TaskResult], of batch: TaskBatch, by maker: Maker, on connection: isolated Connection
    ) throws -> Set<Int> {
        let columns = OutputColumns(results, of: batch)
        guard !columns.numbers.isEmpty else { return [] }
        let rows = try connection.query("\(sql: recording(columns, of: batch, by: maker)) SELECT number FROM mine")
        return Set(try rows.map { try $0.int("number") })
    }

    private static func recordArchives(
        _ results: [TaskResult], of batch: TaskBatch, on connection: isolated Connection
    ) throws {
        for result in results {
            guard case .archive(let archive) = result.outcome, let epoch = batch.epochs[result.number] else { continue }
            _ = try connection.execute(
                """
                WITH mine AS (
                    UPDATE tasks SET state = 'done', lease_id = NULL, not_before = NULL, reason = NULL
                    WHERE shard_id = \(batch.shard) AND kind = \(batch.kind.rawValue) AND number = \(result.number)
                      AND epoch = \(epoch) AND state = 'leased'
                    RETURNING number)
                UPDATE shards s SET state = 'finished', tar = \(archive.path), tar_sha256 = \(archive.digest.bytes),
                       tar_bytes = \(archive.bytes), samples = \(archive.samples), reason = NULL, finished_at = now()
                FROM mine WHERE s.id = \(batch.shard) AND s.state = 'generated'
                """)
        }
    }

    /// Makes a shard whose tasks are all accounted for the next kind's work, in the same transaction as its last task.
    /// In a cancelled job it cancels what came back instead.
    ///
    /// Who moved the shard's last task holds the lock of its row and so sees all its counters; a caller that moved
    /// nothing may see old ones, and leaves the shard to those who did.
    /// - Returns: whether the shard may have a task of the next kind.
    @discardableResult
    static func settle(shard: Int64, on connection: isolated Connection) throws -> Bool {
        let rows = try connection.query(
            """
            SELECT j.state::text AS job, s.state::text AS shard, s.done + s.dead = s.tasks AS complete
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
        _ = try connection.execute(
            """
            WITH generated AS (
                UPDATE shards s SET state = 'generated', hinted_at = now() FROM jobs j
                WHERE s.id = \(shard) AND j.id = s.job_id AND s.state = 'open' AND s.cancelled = 0 AND s.done > 0
                  AND s.done + s.dead = s.tasks AND s.dead <= j.allow_dead
                RETURNING s.id)
            INSERT INTO tasks AS t (shard_id, kind, number) SELECT id, 'pack', 0 FROM generated
            ON CONFLICT (shard_id, kind, number) DO UPDATE
            SET state = 'open', attempt = 0, deaths = 0, returns = 0, lease_id = NULL, not_before = NULL, reason = NULL
            """)
        return true
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

    static func packTarget(shard: Int64, on connection: isolated Connection) throws -> HintTarget? {
        try connection.query(
            """
            SELECT s.id, s.job_id, 1 AS tasks, j.name, j.specification_sha256 AS digest, 'pack' AS kind,
                   'archive' AS capability, j.lane, j.hint_size
            FROM shards s JOIN jobs j ON j.id = s.job_id
            JOIN tasks t ON t.shard_id = s.id AND t.kind = 'pack' AND t.state = 'open'
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
