// Reading the catalogue, page by page. Parameters are planned with their values, so an absent filter costs nothing.

import Postgres

extension Catalogue {
    /// Jobs in the order of their creation.
    public func jobs(_ filter: CatalogueFilter = CatalogueFilter()) async throws -> [JobSummary] {
        try await jobPages(filter).all()
    }

    /// Shards in the order of jobs and numbers.
    public func shards(_ filter: CatalogueFilter = CatalogueFilter()) async throws -> [ShardSummary] {
        try await shardPages(filter).all()
    }

    /// Jobs in the order of their creation.
    public func jobPages(_ filter: CatalogueFilter = CatalogueFilter()) -> RecordPages<JobSummary> {
        RecordPages(self, limit: filter.limit) { count, after in
            """
            SELECT p.*, \(timestamp: "created_at") AS created, id AS row_place, 0 AS shard_place FROM job_progress p
            WHERE id > \(after.row) AND (\(optional: filter.job)::text IS NULL OR job = \(optional: filter.job))
              AND (\(optional: filter.state)::text IS NULL OR state = \(optional: filter.state))
            ORDER BY id LIMIT \(count)
            """
        } record: { row in
            JobSummary(
                job: try row.string("job"), kind: try row.string("kind"), capability: try row.string("capability"),
                lane: try row.string("lane"), strategy: try row.optionalString("strategy"),
                state: try row.string("state"), tasks: try row.int("tasks"), done: try row.int("done"),
                dead: try row.int("dead"), cancelled: try row.int("cancelled"), shards: try row.int("shards"),
                finishedShards: try row.int("finished_shards"), generatedShards: try row.int("generated_shards"),
                quarantinedShards: try row.int("quarantined_shards"), after: try row.optionalString("after_job"),
                afterBy: try row.optionalString("after_by"), afterState: try row.optionalString("after_state"),
                blockedShards: try row.int("blocked_shards"),
                createdAt: try row.string("created"))
        }
    }

    /// Shards in the order of jobs and numbers.
    public func shardPages(_ filter: CatalogueFilter = CatalogueFilter()) -> RecordPages<ShardSummary> {
        RecordPages(self, limit: filter.limit) { count, after in
            """
            SELECT j.name, s.number, s.state::text AS state, s.tasks, s.done, s.dead, s.cancelled, s.tar,
                   encode(s.tar_sha256, 'hex') AS sha256, s.tar_bytes, s.samples, s.reason,
                   \(timestamp: "s.finished_at") AS finished, s.job_id AS row_place, s.number AS shard_place
            FROM shards s JOIN jobs j ON j.id = s.job_id
            WHERE (s.job_id, s.number) > (\(after.row), \(after.shard))
              AND (\(optional: filter.job)::text IS NULL OR j.name = \(optional: filter.job))
              AND (\(optional: filter.shard)::bigint IS NULL OR s.number = \(optional: filter.shard))
              AND (\(optional: filter.state)::shard_state IS NULL OR s.state = \(optional: filter.state)::shard_state)
            ORDER BY s.job_id, s.number LIMIT \(count)
            """
        } record: { row in
            ShardSummary(
                job: try row.string("name"), shard: try row.int("number"), state: try row.string("state"),
                tasks: try row.int("tasks"), done: try row.int("done"), dead: try row.int("dead"),
                cancelled: try row.int("cancelled"), tar: try row.optionalString("tar"),
                sha256: try row.optionalString("sha256"), bytes: try row.optionalInt("tar_bytes"),
                samples: try row.optionalInt("samples"), reason: try row.optionalString("reason"),
                finishedAt: try row.optionalString("finished"))
        }
    }

    /// Worker processes in the order of their registration.
    public func workerPages(_ filter: CatalogueFilter = CatalogueFilter()) -> RecordPages<WorkerSummary> {
        RecordPages(self, limit: filter.limit) { count, after in
            """
            SELECT *, id AS row_place, 0 AS shard_place FROM (
                SELECT w.id, w.name, w.host, w.pid, w.version, array_to_string(w.serves, ',') AS serves, w.device_class,
                       w.done, w.failed, (SELECT count(*) FROM leases l WHERE l.worker_id = w.id) AS leases,
                       extract(epoch FROM now() - CASE WHEN isfinite(w.seen_at) THEN w.seen_at ELSE now() END)::double precision
                           AS silent,
                       CASE WHEN w.state <> 'stopped'
                                 AND w.seen_at < now() - \(Self.silenceOfLostWorkers.inSeconds) * interval '1 second'
                            THEN 'lost' ELSE w.state END AS state
                FROM workers w) seen
            WHERE id > \(after.row) AND (\(optional: filter.state)::text IS NULL OR state = \(optional: filter.state))
            ORDER BY id LIMIT \(count)
            """
        } record: { row in
            WorkerSummary(
                worker: try row.int("id"), name: try row.string("name"), host: try row.string("host"),
                pid: try row.int("pid"), version: try row.string("version"),
                serves: try row.string("serves").split(separator: ",").map(String.init),
                deviceClass: try row.string("device_class"), state: try row.string("state"), done: try row.int("done"),
                failed: try row.int("failed"), leases: try row.int("leases"), silent: try row.double("silent"))
        }
    }
}

extension SQL.StringInterpolation {
    /// A time column as ISO 8601 in UTC.
    mutating func appendInterpolation(timestamp column: StaticString) {
        // An infinite time has no digits.
        appendInterpolation(
            unsafeRaw:
                "coalesce(to_char(\(column) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), \(column)::text)")
    }
}
