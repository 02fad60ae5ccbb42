// The usual end of a batch: claimed for the first time, every task made an image, or every one a result, and all of them
// are still the worker's. One statement records that.

import Postgres
import Tasks

extension Catalogue {
    /// Records a whole batch: the tasks, their images or results, the shard's counter, the end of the lease and the
    /// worker's count, in one statement that the server parsed and planned before.
    ///
    /// - Returns: `nil` where something is unusual: the tasks follow a shard, or one failed, was claimed before or is not
    ///   the caller's any more. Tasks may have moved to done nevertheless, but neither lease nor count did; the caller
    ///   goes on in the same transaction.
    static func recordWhole(
        _ results: [TaskResult], of batch: TaskBatch, by maker: Maker, on connection: isolated Connection
    ) throws -> FinishReport? {
        let count = batch.items.count
        guard batch.isOwn, batch.isFirstClaim, results.count == count else { return nil }
        let images = ImageColumns(results, of: batch)
        if images.numbers.count == count { return try recordWhole(images, of: batch, by: maker, on: connection) }
        let found = ResultColumns(results, of: batch)
        guard found.numbers.count == count, found.size <= ResultColumns.contentPerStatement else { return nil }
        return try recordWhole(found, of: batch, by: maker, on: connection)
    }

    private static func recordWhole(
        _ columns: some RecordColumns, of batch: TaskBatch, by maker: Maker, on connection: isolated Connection
    ) throws -> FinishReport? {
        let count = batch.items.count
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
            report.followUp = try followUpTarget(shard: batch.shard, on: connection)
        }
        if isComplete { report.opened = try opened(after: batch.job.id, on: connection) }
        return report
    }

    /// `WITH` the tasks that moved to done (`mine`, counted by `moved`), because their epochs are the caller's, and with them
    /// their records and the shard's counter (`counted`). For tasks of a job's own kind only, which the caller has made sure of.
    static func recording(_ columns: some RecordColumns, of batch: TaskBatch, by maker: Maker) -> SQL {
        """
        WITH given AS (
            SELECT * FROM unnest(\(columns.numbers), \(columns.epochs), \(sql: columns.values))
                AS g (number, epoch, \(sql: columns.names))),
        mine AS (
            UPDATE tasks t SET state = 'done', lease_id = NULL, not_before = NULL, reason = NULL FROM given g
            WHERE t.shard_id = \(batch.shard) AND t.kind = \(batch.kind.rawValue) AND t.number = g.number
              AND t.number >= \(columns.numbers.min() ?? 0) AND t.number <= \(columns.numbers.max() ?? 0)
              AND t.epoch = g.epoch AND t.state = 'leased'
            RETURNING t.number),
        moved AS (SELECT count(*)::integer AS count FROM mine),
        recorded AS (
            \(sql: columns.inserting(of: batch, by: maker))),
        counted AS (
            UPDATE shards s SET done = least(s.done + moved.count, s.tasks - s.dead - s.cancelled) FROM moved
            WHERE s.id = \(batch.shard) AND moved.count > 0
            RETURNING s.job_id, s.done + s.dead = s.tasks AS complete)
        """
    }
}
