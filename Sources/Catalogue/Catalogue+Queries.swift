// Reading the catalogue. Parameters are planned with their values, so an absent filter costs nothing.

import Postgres

extension Catalogue {
    /// Jobs in the order of their creation.
    public func jobs(_ filter: CatalogueFilter = CatalogueFilter()) async throws -> [JobSummary] {
        try await connection.query(
            """
            SELECT p.*, \(timestamp: "created_at") AS created FROM job_progress p
            WHERE (\(optional: filter.job)::text IS NULL OR job = \(optional: filter.job))
              AND (\(optional: filter.state)::text IS NULL OR state = \(optional: filter.state))
            ORDER BY id LIMIT \(optional: filter.limit)
            """
        ).map { row in
            JobSummary(
                job: try row.string("job"), kind: try row.string("kind"), capability: try row.string("capability"),
                lane: try row.string("lane"), strategy: try row.optionalString("strategy"),
                state: try row.string("state"), tasks: try row.int("tasks"), done: try row.int("done"),
                dead: try row.int("dead"), cancelled: try row.int("cancelled"), shards: try row.int("shards"),
                finishedShards: try row.int("finished_shards"), generatedShards: try row.int("generated_shards"),
                quarantinedShards: try row.int("quarantined_shards"),
                createdAt: try row.string("created"))
        }
    }

    /// Shards in the order of jobs and numbers.
    public func shards(_ filter: CatalogueFilter = CatalogueFilter()) async throws -> [ShardSummary] {
        try await connection.query(
            """
            SELECT j.name, s.number, s.state::text AS state, s.tasks, s.done, s.dead, s.cancelled, s.tar,
                   encode(s.tar_sha256, 'hex') AS sha256, s.tar_bytes, s.samples, s.reason,
                   \(timestamp: "s.finished_at") AS finished
            FROM shards s JOIN jobs j ON j.id = s.job_id
            WHERE (\(optional: filter.job)::text IS NULL OR j.name = \(optional: filter.job))
              AND (\(optional: filter.shard)::bigint IS NULL OR s.number = \(optional: filter.shard))
              AND (\(optional: filter.state)::shard_state IS NULL OR s.state = \(optional: filter.state)::shard_state)
            ORDER BY s.job_id, s.number LIMIT \(optional: filter.limit)
            """
        ).map { row in
            ShardSummary(
                job: try row.string("name"), shard: try row.int("number"), state: try row.string("state"),
                tasks: try row.int("tasks"), done: try row.int("done"), dead: try row.int("dead"),
                cancelled: try row.int("cancelled"), tar: try row.optionalString("tar"),
                sha256: try row.optionalString("sha256"), bytes: try row.optionalInt("tar_bytes"),
                samples: try row.optionalInt("samples"), reason: try row.optionalString("reason"),
                finishedAt: try row.optionalString("finished"))
        }
    }

    /// Tasks in the order of jobs, shards and numbers.
    public func tasks(_ filter: CatalogueFilter = CatalogueFilter()) async throws -> [TaskSummary] {
        try await connection.query(
            """
            SELECT j.name, s.number AS shard, t.number, t.kind, p.image_id, p.sample, t.state::text AS state, t.attempt,
                   t.deaths, t.epoch, t.reason
            FROM jobs j JOIN shards s ON s.job_id = j.id JOIN tasks t ON t.shard_id = s.id
            LEFT JOIN payloads p ON p.shard_id = t.shard_id AND p.number = t.number AND t.kind = j.kind
            WHERE (\(optional: filter.job)::text IS NULL OR j.name = \(optional: filter.job))
              AND (\(optional: filter.shard)::bigint IS NULL OR s.number = \(optional: filter.shard))
              AND (\(optional: filter.state)::task_state IS NULL OR t.state = \(optional: filter.state)::task_state)
              AND (\(optional: filter.state)::text IS DISTINCT FROM 'dead' OR s.dead > 0 OR s.state = 'quarantined')
              AND (\(optional: filter.image)::bigint IS NULL OR p.image_id = \(optional: filter.image))
            ORDER BY s.job_id, s.number, t.kind, t.number LIMIT \(optional: filter.limit)
            """
        ).map { row in
            TaskSummary(
                job: try row.string("name"), shard: try row.int("shard"), task: try row.int("number"),
                kind: try row.string("kind"), image: try row.optionalInt("image_id"),
                sample: try row.optionalInt("sample"), state: try row.string("state"), attempt: try row.int("attempt"),
                deaths: try row.int("deaths"), epoch: try row.int("epoch"), reason: try row.optionalString("reason"))
        }
    }

    /// Outputs in the order of jobs, shards and numbers.
    public func outputs(_ filter: CatalogueFilter = CatalogueFilter()) async throws -> [OutputSummary] {
        try await connection.query(
            """
            SELECT j.name, s.number AS shard, o.number, p.image_id, p.sample, encode(o.sha256, 'hex') AS sha256, o.bytes,
                   o.width, o.height, o.worker_id, \(timestamp: "o.recorded_at") AS recorded, o.lost_at IS NOT NULL AS lost
            FROM jobs j JOIN shards s ON s.job_id = j.id JOIN outputs o ON o.shard_id = s.id
            JOIN payloads p ON p.shard_id = o.shard_id AND p.number = o.number
            WHERE (\(optional: filter.job)::text IS NULL OR j.name = \(optional: filter.job))
              AND (\(optional: filter.shard)::bigint IS NULL OR s.number = \(optional: filter.shard))
              AND (\(optional: filter.image)::bigint IS NULL OR p.image_id = \(optional: filter.image))
            ORDER BY s.job_id, s.number, o.number LIMIT \(optional: filter.limit)
            """
        ).map { row in
            OutputSummary(
                job: try row.string("name"), shard: try row.int("shard"), task: try row.int("number"),
                image: try row.int("image_id"), sample: try row.int("sample"), sha256: try row.string("sha256"),
                bytes: try row.int("bytes"), width: try row.int("width"), height: try row.int("height"),
                worker: try row.int("worker_id"), recordedAt: try row.string("recorded"), lost: try row.bool("lost"))
        }
    }

    /// Worker processes in the order of their registration.
    public func workers(_ filter: CatalogueFilter = CatalogueFilter()) async throws -> [WorkerSummary] {
        try await connection.query(
            """
            SELECT * FROM (
                SELECT w.id, w.name, w.host, w.pid, w.version, array_to_string(w.serves, ',') AS serves, w.device_class,
                       w.done, w.failed, (SELECT count(*) FROM leases l WHERE l.worker_id = w.id) AS leases,
                       extract(epoch FROM now() - w.seen_at)::double precision AS silent,
                       CASE WHEN w.state <> 'stopped'
                                 AND w.seen_at < now() - \(Self.silenceOfLostWorkers.inSeconds) * interval '1 second'
                            THEN 'lost' ELSE w.state END AS state
                FROM workers w) seen
            WHERE (\(optional: filter.state)::text IS NULL OR state = \(optional: filter.state))
            ORDER BY id LIMIT \(optional: filter.limit)
            """
        ).map { row in
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
        appendInterpolation(unsafeRaw: "to_char(\(column) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
    }
}
