// Recording what follows a complete shard, which finishes the shard: its archive or a result.

import Digests
import Postgres
import Tasks

extension Catalogue {
    /// Records what the follow-up of a shard made.
    /// - Returns: the tasks that this call recorded as done.
    static func recordFollowUp(
        _ results: [TaskResult], of batch: TaskBatch, by maker: Maker, on connection: isolated Connection
    ) throws -> Set<Int> {
        var recorded: Set<Int> = []
        for result in results {
            guard let epoch = batch.epochs[result.number],
                let record = record(of: result, epoch: epoch, in: batch, by: maker)
            else { continue }
            let rows = try connection.query(
                """
                WITH mine AS (
                    UPDATE tasks SET state = 'done', lease_id = NULL, not_before = NULL, reason = NULL
                    WHERE shard_id = \(batch.shard) AND kind = \(batch.kind.rawValue) AND number = \(result.number)
                      AND epoch = \(epoch) AND state = 'leased'
                    RETURNING number),
                \(sql: record)
                SELECT number FROM mine
                """)
            if !rows.isEmpty { recorded.insert(result.number) }
        }
        return recorded
    }

    /// What comes behind `mine`: the record, and the end of the shard; `nil` for a failure.
    private static func record(of result: TaskResult, epoch: Int, in batch: TaskBatch, by maker: Maker) -> SQL? {
        switch result.outcome {
        case .archive(let archive):
            return """
                finished AS (
                    UPDATE shards s SET state = 'finished', tar = \(archive.path), tar_sha256 = \(archive.digest.bytes),
                           tar_bytes = \(archive.bytes), samples = \(archive.samples), reason = NULL, finished_at = now()
                    FROM mine WHERE s.id = \(batch.shard) AND s.state = 'generated')
                """
        case .result:
            let columns = ResultColumns([result], of: batch)
            return """
                given AS (
                    SELECT * FROM unnest(\(columns.numbers), \(columns.epochs), \(sql: columns.values))
                        AS g (number, epoch, \(sql: columns.names))),
                recorded AS (
                    \(sql: columns.inserting(of: batch, by: maker))),
                finished AS (
                    UPDATE shards s SET state = 'finished', reason = NULL, finished_at = now()
                    FROM mine WHERE s.id = \(batch.shard) AND s.state = 'generated')
                """
        case .image, .failed: return nil
        }
    }
}

extension TaskResult {
    /// The result, or the failure that it is where it is larger than the catalogue takes.
    var withinLimits: TaskResult {
        guard case .result(let record) = outcome, record.content.count > ResultRecord.largestSize else { return self }
        return refused(
            "expected a result of at most \(ResultRecord.largestSize) bytes, found \(record.content.count); store what is "
                + "larger as files")
    }

    /// The result, or the failure that it is where tasks of this role record something else.
    func admitted(as role: Catalogue.KindRole?, kind: TaskKind) -> TaskResult {
        switch (outcome, role) {
        case (.image, .followUp):
            refused("expected an archive or a result of kind \(kind), which follows complete shards, found an image")
        case (.archive, .own):
            refused("expected an image or a result of kind \(kind), which is the job's own, found an archive")
        default: self
        }
    }

    private func refused(_ reason: String) -> TaskResult {
        TaskResult(number: number, outcome: .failed(reason: reason, isPermanent: true))
    }
}
