// Recorded images with everything that belongs to them: what archives are made of, and what exports and audits read.

public import Digests
import Postgres
public import Tasks

/// One recorded image of a shard.
public struct ShardOutput: Sendable, Hashable {
    /// The task's number in the shard.
    public var number: Int
    /// COCO's image id.
    public var imageID: Int
    /// Which of the image's samples.
    public var sample: Int
    /// The bytes of a `LayoutTask`.
    public var payload: [UInt8]
    /// SHA-256 of the stored image.
    public var digest: SHA256Digest
    /// Size of the stored image.
    public var bytes: Int
    /// What the job's gate found out about it: the JSON of an `ImageJudgement`.
    public var judgement: String?

    /// The name of its members in an archive, without extension.
    public var key: String { LayoutTask.key(imageID: imageID, sample: sample) }
}

/// A job as the commands that read its results need it.
public struct RecordedJob: Sendable, Hashable {
    /// Its row.
    public var id: Int64
    /// Unique.
    public var name: String
    /// What its tasks do.
    public var kind: String
    /// What follows its shards, if anything does.
    public var followUp: FollowUp?
    /// A `JobState`.
    public var state: String
    /// Canonical JSON.
    public var specification: String
    /// The annotation file's categories, as JSON.
    public var categories: String
}

extension Catalogue {
    /// The recorded images of a shard, in task order; lost ones are left out.
    public func outputs(ofShard shard: Int64) async throws -> [ShardOutput] {
        try await connection.query(Self.outputQuery(shard)).map(ShardOutput.init(row:))
    }

    /// A shard's row and its recorded images as one snapshot shows them; `nil` when the shard is gone.
    public func contents(ofShard shard: Int64) async throws -> ShardContents? {
        try await snapshot("contents") { connection in
            let rows = try connection.query(ShardRow.query(where: "s.id = \(shard)", order: "s.id"))
            guard let row = rows.first else { return nil }
            return ShardContents(
                row: try ShardRow(row: row),
                outputs: try connection.query(Self.outputQuery(shard)).map(ShardOutput.init(row:)))
        }
    }

    private static func outputQuery(_ shard: Int64) -> SQL {
        """
        SELECT o.number, p.image_id, p.sample, p.payload, o.sha256, o.bytes, o.judgement::text AS judgement
        FROM outputs o JOIN payloads p ON p.shard_id = o.shard_id AND p.number = o.number
        WHERE o.shard_id = \(shard) AND o.lost_at IS NULL ORDER BY o.number
        """
    }

    /// The job with this name.
    /// - Throws: ``CatalogueError`` with code `notFound`.
    public func job(named name: String) async throws -> RecordedJob {
        let rows = try await connection.query(
            """
            SELECT id, name, kind, follow_kind, follow_capability, state::text AS state, specification, categories
            FROM jobs WHERE name = \(name)
            """)
        guard let row = rows.first else {
            throw CatalogueError(
                .notFound, "job '\(name)' does not exist; `detdiffusion-catalogue jobs` lists those that do")
        }
        return RecordedJob(
            id: Int64(try row.int("id")), name: name, kind: try row.string("kind"), followUp: try FollowUp(row: row),
            state: try row.string("state"), specification: try row.string("specification"),
            categories: try row.string("categories"))
    }

    /// A job's shards as rows: identity, number, state and archive.
    public func shardRows(job: Int64) async throws -> [ShardRow] {
        try await connection.query(
            ShardRow.query(where: "s.job_id = \(job)", order: "s.number")
        ).map(ShardRow.init(row:))
    }
}

extension ShardOutput {
    init(row: Row) throws {
        number = try row.int("number")
        imageID = try row.int("image_id")
        sample = try row.int("sample")
        payload = try row.bytes("payload")
        digest = try SHA256Digest(column: "sha256", of: row)
        bytes = try row.int("bytes")
        judgement = try row.optionalString("judgement")
    }
}

/// A shard with its recorded images, all of one moment.
public struct ShardContents: Sendable, Hashable {
    /// State and archive.
    public var row: ShardRow
    /// In task order; lost ones are left out.
    public var outputs: [ShardOutput]
}

/// One shard as audits and exports see it.
public struct ShardRow: Sendable, Hashable {
    /// Its row.
    public var id: Int64
    /// Its job's name.
    public var job: String
    /// Its number in the job.
    public var number: Int
    /// A `ShardState`.
    public var state: String
    /// How many tasks it has.
    public var tasks: Int
    /// How many of them are done.
    public var done: Int
    /// The kind that follows it, if any does.
    public var follow: String?
    /// Whether that has recorded a result, instead of an archive.
    public var hasFollowUpResult: Bool
    /// Relative to the object directory, as it was recorded; the path itself follows from job and number.
    public var tar: String?
    /// The archive's SHA-256.
    public var digest: SHA256Digest?
    /// The archive's size.
    public var bytes: Int?
}

extension ShardRow {
    /// Whether its images must be in an archive: it is finished, and what follows it recorded nothing else.
    public var needsArchive: Bool {
        state == ShardState.finished.rawValue && (tar != nil || (follow != nil && !hasFollowUpResult))
    }

    /// Rows of shards `s` with their jobs `j`.
    static func query(where condition: SQL, order: SQL, limit: Int? = nil) -> SQL {
        """
        SELECT s.id, j.name AS job, s.number, s.state::text AS state, s.tasks, s.done, s.tar, s.tar_sha256, s.tar_bytes,
               j.follow_kind AS follow, \(sql: Catalogue.hasFollowUpResult) AS followed
        FROM shards s JOIN jobs j ON j.id = s.job_id WHERE \(sql: condition)
        ORDER BY \(sql: order) LIMIT \(optional: limit)
        """
    }

    init(row: Row) throws {
        id = Int64(try row.int("id"))
        job = try row.string("job")
        number = try row.int("number")
        state = try row.string("state")
        tasks = try row.int("tasks")
        done = try row.int("done")
        follow = try row.optionalString("follow")
        hasFollowUpResult = try row.bool("followed")
        tar = try row.optionalString("tar")
        digest = tar == nil ? nil : try SHA256Digest(column: "tar_sha256", of: row)
        bytes = try row.optionalInt("tar_bytes")
    }
}
