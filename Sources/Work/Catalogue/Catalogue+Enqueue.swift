// Recording a job: the catalogue is the outbox, so everything is in one transaction and published afterwards.

import Digests
import Failpoints
import Postgres
import Tasks

extension Catalogue {
    /// Records `draft` with its first `taskCount` tasks, or finds it recorded, or extends it by the tasks that it lacks,
    /// beginning with a new shard. Nothing is published.
    ///
    /// How a recorded job's work is cut and retried is no part of its specification: a hint size and a number of
    /// attempts that the draft names are its own from now on. Tasks that are dead stay dead.
    ///
    /// - Parameter task: the task with this number in the job, from 0; must not depend on `taskCount`.
    /// - Throws: ``CatalogueError`` with code `refused` when the name belongs to another specification (naming the
    ///   fields that differ), when the specification runs under another name, when the job was cancelled, or when it
    ///   cannot come after the job that the draft names.
    public func enqueue(
        _ draft: JobDraft, taskCount: Int, task: @escaping @Sendable (Int) throws -> TaskDraft
    ) async throws -> EnqueuedJob {
        precondition(draft.shardSize >= 1 && draft.hintSize ?? 1 >= 1, "shard and hint sizes are at least 1")
        return try await transaction("enqueue") { connection in
            // COPY of a large job takes minutes, and a second producer of the same job waits for it.
            _ = try connection.execute("SET LOCAL statement_timeout = 0")
            _ = try connection.execute("SET LOCAL lock_timeout = '10min'")
            try Self.lock(draft, on: connection)
            var job = try Self.recorded(draft, on: connection) ?? Self.insert(draft, on: connection)
            let missing = job.tasksBefore..<max(job.tasksBefore, taskCount)
            if !missing.isEmpty {
                let shards = try Self.insertShards(of: job.id, tasks: missing, size: draft.shardSize, on: connection)
                try Self.copy(
                    missing, into: shards, size: draft.shardSize, kind: draft.kind, task: task, on: connection)
                job.tasksAdded = missing.count
                job.shardsAdded = shards.count
            }
            try Self.keepLimits(of: job, on: connection)
            return job
        }
    }

    /// Two producers with the same name or specification wait for one another; the order of the two locks is fixed, so
    /// that they cannot wait in a circle.
    private static func lock(_ draft: JobDraft, on connection: isolated Connection) throws {
        for key in ["name:" + draft.name, "specification:" + draft.digest.hex].sorted() {
            _ = try connection.query("SELECT 1 FROM pg_advisory_xact_lock(hashtextextended(\(key), 7))")
        }
    }

    /// Last of all, since the job's row stays locked from here on, and whoever finishes one of its shards waits for it.
    private static func keepLimits(of job: EnqueuedJob, on connection: isolated Connection) throws {
        guard job.hintSize != job.hintSizeBefore || job.maximumAttempts != job.maximumAttemptsBefore else { return }
        _ = try connection.execute(
            "UPDATE jobs SET hint_size = \(job.hintSize), max_attempts = \(job.maximumAttempts) WHERE id = \(job.id)")
    }

    /// The recorded job of this name or specification, with the draft's hint size and attempts; `nil` where there is none.
    private static func recorded(_ draft: JobDraft, on connection: isolated Connection) throws -> EnqueuedJob? {
        let rows = try connection.query(
            """
            SELECT id, name, state::text AS state, lane, hint_size, max_attempts, specification, specification_sha256 AS digest,
                   follow_kind, follow_capability,
                   (SELECT coalesce(max(first_task + tasks), 0) FROM shards WHERE job_id = jobs.id)::bigint AS tasks
            FROM jobs WHERE name = \(draft.name) OR specification_sha256 = \(draft.digest.bytes)
            ORDER BY name <> \(draft.name)
            """)
        guard let row = rows.first else { return nil }
        try check(draft, against: row)
        let (hintSize, attempts) = (try row.int("hint_size"), try row.int("max_attempts"))
        let id = try row.int64("id")
        var job = EnqueuedJob(
            id: id, isNew: false, tasksBefore: try row.int("tasks"), tasksAdded: 0,
            shardsAdded: 0, lane: Lane(rawValue: try row.string("lane")) ?? .normal,
            hintSize: draft.hintSize ?? hintSize, maximumAttempts: draft.maximumAttempts ?? attempts,
            hintSizeBefore: hintSize, maximumAttemptsBefore: attempts)
        job.after = try keepPredecessor(of: draft, id: id, on: connection)
        return job
    }

    /// Refuses a draft that contradicts the job that is recorded under its name or specification.
    private static func check(_ draft: JobDraft, against row: Row) throws {
        let name = try row.string("name")
        guard try row.bytes("digest") == draft.digest.bytes else {
            let changes = try SpecificationComparison.differences(
                recorded: try row.string("specification"), given: draft.specification)
            throw CatalogueError(
                .refused,
                "job '\(name)' exists with another specification (\(changes.joined(separator: "; "))); "
                    + "use another --job name, or the recorded options"
            )
        }
        guard name == draft.name else {
            throw CatalogueError(
                .refused, "job '\(draft.name)': the same specification already runs as job '\(name)'; use --job \(name)"
            )
        }
        guard try row.string("state") != JobState.cancelled.rawValue else {
            throw CatalogueError(
                .refused,
                "job '\(name)' was cancelled; run `detdiffusion-catalogue purge --job \(name)` first, or "
                    + "change the seed and the name"
            )
        }
        let recorded = try FollowUp(row: row)
        guard recorded == draft.followUp else {
            throw CatalogueError(
                .refused,
                "job '\(name)': expected \(draft.followUp?.kind.rawValue ?? "nothing") to follow its shards, found that "
                    + "\(recorded?.kind.rawValue ?? "nothing") does; purge the job and enqueue it again")
        }
    }

    private static func insert(_ draft: JobDraft, on connection: isolated Connection) throws -> EnqueuedJob {
        precondition(draft.followUp?.kind != draft.kind, "what follows a shard is another kind than its job's")
        let hintSize = draft.hintSize ?? JobDraft.defaultHintSize
        let attempts = draft.maximumAttempts ?? JobDraft.defaultMaximumAttempts
        let after = try predecessor(of: draft, on: connection)
        let row = try connection.query(
            """
            INSERT INTO jobs (name, kind, capability, lane, strategy, specification, specification_sha256, categories,
                              statistics, follow_kind, follow_capability, hint_size, max_attempts, after_job, after_by)
            VALUES (\(draft.name), \(draft.kind.rawValue), \(draft.capability.rawValue), \(draft.lane.rawValue),
                    \(optional: draft.strategy), \(draft.specification), \(draft.digest.bytes), \(draft.categories),
                    \(draft.statistics), \(optional: draft.followUp?.kind.rawValue),
                    \(optional: draft.followUp?.capability.rawValue), \(hintSize), \(attempts), \(optional: after),
                    \(optional: draft.after?.by.rawValue))
            RETURNING id
            """
        ).one("INSERT INTO jobs")
        return EnqueuedJob(
            id: Int64(try row.int("id")), isNew: true, tasksBefore: 0, tasksAdded: 0, shardsAdded: 0, lane: draft.lane,
            hintSize: hintSize, maximumAttempts: attempts, hintSizeBefore: hintSize, maximumAttemptsBefore: attempts,
            after: draft.after)
    }

    /// - Returns: the new shards' rows, in the order of their numbers.
    private static func insertShards(
        of job: Int64, tasks: Range<Int>, size: Int, on connection: isolated Connection
    ) throws -> [Int64] {
        let firsts = Array(stride(from: tasks.lowerBound, to: tasks.upperBound, by: size))
        let counts = firsts.map { min(size, tasks.upperBound - $0) }
        let rows = try connection.query(
            """
            WITH last AS (SELECT coalesce(max(number), -1) AS number FROM shards WHERE job_id = \(job)),
            added AS (
                INSERT INTO shards (job_id, number, first_task, tasks)
                SELECT \(job), last.number + part.ordinal, part.first, part.tasks
                FROM last, unnest(\(firsts), \(counts)) WITH ORDINALITY AS part (first, tasks, ordinal)
                ORDER BY part.ordinal
                RETURNING id, number)
            SELECT id FROM added ORDER BY number
            """)
        return try rows.map { Int64(try $0.int("id")) }
    }

    private static func copy(
        _ tasks: Range<Int>, into shards: [Int64], size: Int, kind: TaskKind,
        task: @escaping @Sendable (Int) throws -> TaskDraft, on connection: isolated Connection
    ) throws {
        try connection.copy(into: "tasks", columns: ["shard_id", "kind", "number"]) { row in
            for offset in 0..<tasks.count {
                try row.append(shards[offset / size], kind.rawValue, Int32(offset % size))
            }
        }
        let columns = ["shard_id", "number", "image_id", "sample", "payload"]
        try connection.copy(into: "payloads", columns: columns) { row in
            for offset in 0..<tasks.count {
                if offset == tasks.count / 2 { Failpoint.hit("producer.in-copy") }
                let draft = try task(tasks.lowerBound + offset)
                try row.append(
                    shards[offset / size], Int32(offset % size), Int64(draft.imageID), Int32(draft.sample),
                    draft.payload)
            }
        }
    }

    /// The shards of a job that nobody has hinted yet.
    public func unhintedShards(job: Int64) async throws -> [HintTarget] {
        try await connection.query(
            """
            SELECT s.id, s.job_id, s.tasks, j.kind, j.capability, j.lane, j.hint_size, j.name,
                   j.specification_sha256 AS digest
            FROM shards s JOIN jobs j ON j.id = s.job_id
            WHERE s.job_id = \(job) AND s.hinted_at IS NULL AND s.state = 'open' AND \(sql: RowRules.shard)
            ORDER BY s.number
            """
        ).compactMap(HintTarget.init(row:))
    }

    /// Marks shards as hinted: all their hints are confirmed by the broker.
    public func markHinted(_ shards: [Int64]) async throws {
        _ = try await connection.execute("UPDATE shards SET hinted_at = now() WHERE id = ANY(\(shards))")
    }
}

extension FollowUp {
    /// Reads the columns follow_kind and follow_capability of a job.
    init?(row: Row) throws {
        guard let kind = try row.optionalString("follow_kind"),
            let capability = try row.optionalString("follow_capability")
        else { return nil }
        self.init(kind: TaskKind(rawValue: kind), capability: Capability(rawValue: capability))
    }
}
