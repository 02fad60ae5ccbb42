// Reading tasks and outputs: tables of many millions of rows, which are asked for some shards at a time.

import Postgres

extension Catalogue {
    /// Tasks in the order of jobs, shards and numbers.
    public func tasks(_ filter: CatalogueFilter = CatalogueFilter()) async throws -> [TaskSummary] {
        try await taskPages(filter).all()
    }

    /// Outputs in the order of jobs, shards and numbers.
    public func outputs(_ filter: CatalogueFilter = CatalogueFilter()) async throws -> [OutputSummary] {
        try await outputPages(filter).all()
    }

    /// Tasks in the order of jobs, shards and numbers.
    public func taskPages(_ filter: CatalogueFilter = CatalogueFilter()) -> RecordPages<TaskSummary> {
        let mayHaveDead: SQL =
            "(\(optional: filter.state)::text IS DISTINCT FROM 'dead' OR s.dead > 0 OR s.state = 'quarantined')"
        return pages(filter, where: mayHaveDead) { shards, count in
            """
            SELECT j.name, s.number AS shard, t.number, t.kind, p.image_id, p.sample, t.state::text AS state, t.attempt,
                   t.deaths, t.returns, t.epoch, t.reason
            FROM shards s JOIN jobs j ON j.id = s.job_id JOIN tasks t ON t.shard_id = s.id
            LEFT JOIN payloads p ON p.shard_id = t.shard_id AND p.number = t.number AND t.kind = j.kind
            WHERE s.id = ANY(\(shards))
              AND (\(optional: filter.state)::task_state IS NULL OR t.state = \(optional: filter.state)::task_state)
              AND (\(optional: filter.image)::bigint IS NULL OR p.image_id = \(optional: filter.image))
            ORDER BY s.job_id, s.number, t.kind, t.number LIMIT \(count)
            """
        } record: { row in
            TaskSummary(
                job: try row.string("name"), shard: try row.int("shard"), task: try row.int("number"),
                kind: try row.string("kind"), image: try row.optionalInt("image_id"),
                sample: try row.optionalInt("sample"), state: try row.string("state"), attempt: try row.int("attempt"),
                deaths: try row.int("deaths"), returns: try row.int("returns"), epoch: try row.int("epoch"),
                reason: try row.optionalString("reason"))
        }
    }

    /// Outputs in the order of jobs, shards and numbers.
    public func outputPages(_ filter: CatalogueFilter = CatalogueFilter()) -> RecordPages<OutputSummary> {
        pages(filter, where: "true") { shards, count in
            """
            SELECT j.name, s.number AS shard, o.number, p.image_id, p.sample, encode(o.sha256, 'hex') AS sha256, o.bytes,
                   o.width, o.height, o.worker_id, CASE WHEN o.device_epoch = o.epoch THEN o.device_class END AS class,
                   \(timestamp: "o.recorded_at") AS recorded, o.lost_at IS NOT NULL AS lost
            FROM shards s JOIN jobs j ON j.id = s.job_id JOIN outputs o ON o.shard_id = s.id
            JOIN payloads p ON p.shard_id = o.shard_id AND p.number = o.number
            WHERE s.id = ANY(\(shards))
              AND (\(optional: filter.image)::bigint IS NULL OR p.image_id = \(optional: filter.image))
            ORDER BY s.job_id, s.number, o.number LIMIT \(count)
            """
        } record: { row in
            OutputSummary(
                job: try row.string("name"), shard: try row.int("shard"), task: try row.int("number"),
                image: try row.int("image_id"), sample: try row.int("sample"), sha256: try row.string("sha256"),
                bytes: try row.int("bytes"), width: try row.int("width"), height: try row.int("height"),
                worker: try row.int("worker_id"), deviceClass: try row.optionalString("class"),
                recordedAt: try row.string("recorded"), lost: try row.bool("lost"))
        }
    }

    /// A listing that is asked for some shards at a time.
    /// - Parameters:
    ///   - condition: which shards `s` can have records at all.
    ///   - query: the records of these shards, the first `count` of them.
    func pages<Record>(
        _ filter: CatalogueFilter, where condition: SQL,
        query: @escaping @Sendable (_ shards: [Int64], _ count: Int) -> SQL,
        record: @escaping @Sendable (Row) throws -> Record
    ) -> RecordPages<Record> {
        RecordPages(limit: filter.limit) { left, after in
            let shards = try await connection.query(Self.shards(filter, where: condition, after: after))
            guard let last = shards.last else { return ([], nil) }
            let end = RecordPlace(row: try last.int64("job_id"), shard: try last.int("number"))
            var ids = try shards.map { try $0.int64("id") }
            if let image = filter.image { ids = try await self.shards(of: image, among: ids) }
            guard !ids.isEmpty else { return ([], end) }
            let rows = try await connection.query(query(ids, left))
            return (try rows.map(record), end)
        }
    }

    /// Those of these shards that have tasks of an image. No index knows, so their payloads are read, and nothing else.
    private func shards(of image: Int, among ids: [Int64]) async throws -> [Int64] {
        try await connection.query(
            "SELECT DISTINCT shard_id FROM payloads WHERE shard_id = ANY(\(ids)) AND image_id = \(image)"
        ).map { try $0.int64("shard_id") }
    }

    /// The next shards that the filter names: as many as one statement may read, at least one.
    private static func shards(_ filter: CatalogueFilter, where condition: SQL, after: RecordPlace) -> SQL {
        """
        SELECT id, job_id, number FROM (
            SELECT id, job_id, number, tasks, sum(tasks) OVER (ORDER BY job_id, number) AS total FROM (
                SELECT s.id, s.job_id, s.number, s.tasks FROM shards s JOIN jobs j ON j.id = s.job_id
                WHERE (s.job_id, s.number) > (\(after.row), \(after.shard)) AND \(sql: condition)
                  AND (\(optional: filter.job)::text IS NULL OR j.name = \(optional: filter.job))
                  AND (\(optional: filter.shard)::bigint IS NULL OR s.number = \(optional: filter.shard))
                ORDER BY s.job_id, s.number LIMIT 1000) page) summed
        WHERE total <= \(tasksPerLook) OR total = tasks ORDER BY job_id, number
        """
    }
}
