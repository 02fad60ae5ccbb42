// The usual end of a batch: claimed for the first time, every task made an image, and all of them are still the
// worker's. One statement records that.

import Digests
import Postgres
import Tasks

/// Who made the outputs of a batch, and on what.
struct Maker {
    /// The worker's row.
    var worker: Int64
    /// The class of the device; `nil` for callers that know none beside that of the worker's row.
    var deviceClass: String?
}

/// The outputs of a batch as columns, each task beside the epoch under which it was claimed.
struct OutputColumns {
    var numbers: [Int] = []
    var epochs: [Int] = []
    var digests: [[UInt8]] = []
    var bytes: [Int] = []
    var widths: [Int] = []
    var heights: [Int] = []

    /// Takes the outputs among the results; other outcomes are left out.
    init(_ results: [TaskResult], of batch: TaskBatch) {
        let claimed = batch.epochs
        for result in results {
            guard case .output(let output) = result.outcome, let epoch = claimed[result.number] else { continue }
            numbers.append(result.number)
            epochs.append(epoch)
            digests.append(output.digest.bytes)
            bytes.append(output.bytes)
            widths.append(output.width)
            heights.append(output.height)
        }
    }
}

extension Catalogue {
    /// Records a whole batch of outputs: the tasks, the outputs, the shard's counter, the end of the lease and the
    /// worker's count, in one statement that the server parsed and planned before.
    ///
    /// - Returns: `nil` where something is unusual: a task failed, was claimed before or is not the caller's any
    ///   more. Tasks may have moved to done nevertheless, but neither lease nor count did; the caller goes on in
    ///   the same transaction.
    static func recordWhole(
        _ results: [TaskResult], of batch: TaskBatch, by maker: Maker, on connection: isolated Connection
    ) throws -> FinishReport? {
        let columns = OutputColumns(results, of: batch)
        let count = batch.items.count
        guard batch.isFirstClaim, columns.numbers.count == count, results.count == count else { return nil }
        let rows = try connection.query(
            """
            \(sql: recording(columns, of: batch, by: maker)),
            ended AS (
                \(sql: endingLeases) FROM moved WHERE id = \(batch.lease) AND moved.count = \(count)),
            credited AS (
                UPDATE workers w SET done = w.done + moved.count, seen_at = now() FROM moved
                WHERE w.id = \(maker.worker) AND moved.count = \(count))
            SELECT moved.count, counted.complete, j.state::text AS job
            FROM moved, counted JOIN jobs j ON j.id = counted.job_id
            """, prepared: true)
        guard let row = rows.first, try row.int("count") == count else { return nil }
        var report = FinishReport(accepted: columns.numbers)
        let isRunning = try row.string("job") != JobState.cancelled.rawValue
        let isComplete = try row.bool("complete")
        if isComplete || !isRunning, try settle(shard: batch.shard, on: connection) {
            report.followUp = try packTarget(shard: batch.shard, on: connection)
        }
        if isComplete { report.opened = try opened(after: batch.job.id, on: connection) }
        return report
    }

    /// `WITH` the tasks that moved to done (`mine`, counted by `moved`), because their epochs are the caller's, and with
    /// them their outputs and the shard's counter (`counted`).
    static func recording(_ columns: OutputColumns, of batch: TaskBatch, by maker: Maker) -> SQL {
        """
        WITH given AS (
            SELECT * FROM unnest(\(columns.numbers), \(columns.epochs), \(columns.digests), \(columns.bytes),
                                 \(columns.widths), \(columns.heights))
                AS g (number, epoch, sha256, bytes, width, height)),
        mine AS (
            UPDATE tasks t SET state = 'done', lease_id = NULL, not_before = NULL, reason = NULL FROM given g
            WHERE t.shard_id = \(batch.shard) AND t.kind = \(batch.kind.rawValue) AND t.number = g.number
              AND t.number >= \(columns.numbers.min() ?? 0) AND t.number <= \(columns.numbers.max() ?? 0)
              AND t.epoch = g.epoch AND t.state = 'leased'
            RETURNING t.number),
        moved AS (SELECT count(*)::integer AS count FROM mine),
        recorded AS (
            INSERT INTO outputs AS o (shard_id, number, sha256, bytes, width, height, epoch, worker_id, device_class,
                                      device_epoch)
            SELECT \(batch.shard), g.number, g.sha256, g.bytes, g.width, g.height, g.epoch, \(maker.worker),
                   \(optional: maker.deviceClass)::text, g.epoch
            FROM given g JOIN mine USING (number)
            ON CONFLICT (shard_id, number) DO UPDATE
            SET sha256 = excluded.sha256, bytes = excluded.bytes, width = excluded.width, height = excluded.height,
                epoch = excluded.epoch, worker_id = excluded.worker_id, device_class = excluded.device_class,
                device_epoch = excluded.device_epoch, recorded_at = now(), lost_at = NULL),
        counted AS (
            UPDATE shards s SET done = least(s.done + moved.count, s.tasks - s.dead - s.cancelled) FROM moved
            WHERE s.id = \(batch.shard) AND moved.count > 0
            RETURNING s.job_id, s.done + s.dead = s.tasks AS complete)
        """
    }
}
