// Reading results: what tasks recorded that made no image.

public import Digests
import Postgres

/// A result whose bytes are not those that were recorded.
public struct DamagedResult: Sendable, Hashable {
    /// The task's number in the shard.
    public var number: Int
    /// Whether it is that of a task of the job's own kind; else of what follows the shard.
    public var isOwn: Bool
    /// The hash that was recorded.
    public var recorded: SHA256Digest
    /// The hash of the bytes that are there.
    public var found: SHA256Digest
}

/// One result. Encoded with exactly these keys.
public struct ResultSummary: Codable, Sendable, Hashable {
    /// The job's name.
    public var job: String
    /// The shard's number in the job, from 0.
    public var shard: Int
    /// The task's number in the shard, from 0.
    public var task: Int
    /// What the task does.
    public var kind: String
    /// `bytes` or `json`.
    public var form: String
    /// Size of the content.
    public var bytes: Int
    /// SHA-256 of the content, in hexadecimal.
    public var sha256: String
    /// The worker process that recorded it.
    public var worker: Int
    /// What it was made on: equal classes give equal bytes for equal tasks.
    public var deviceClass: String?
    /// ISO 8601, UTC.
    public var recordedAt: String
    /// Whether its bytes were found to be others, and its task is done again.
    public var lost: Bool
}

extension Catalogue {
    /// Tasks whose results one statement hashes at most.
    private static let resultsPerStatement = 1000

    /// The results of a shard, those of lost ones left out, whose bytes do not have the recorded hash. The server hashes them.
    public func damagedResults(ofShard shard: Int64) async throws -> [DamagedResult] {
        var damaged: [DamagedResult] = []
        var last: (kind: String, number: Int) = ("", -1)
        while true {
            let rows = try await connection.query(
                """
                SELECT r.kind, r.number, r.kind = j.kind AS own, r.sha256, sha256(r.content) AS found
                FROM results r JOIN shards s ON s.id = r.shard_id JOIN jobs j ON j.id = s.job_id
                WHERE r.shard_id = \(shard) AND (r.kind, r.number) > (\(last.kind), \(last.number)) AND r.lost_at IS NULL
                ORDER BY r.kind, r.number LIMIT \(Self.resultsPerStatement)
                """)
            for row in rows {
                let result = DamagedResult(
                    number: try row.int("number"), isOwn: try row.bool("own"),
                    recorded: try SHA256Digest(column: "sha256", of: row),
                    found: try SHA256Digest(column: "found", of: row))
                if result.recorded != result.found { damaged.append(result) }
            }
            guard rows.count == Self.resultsPerStatement, let end = rows.last else { return damaged }
            last = (try end.string("kind"), try end.int("number"))
        }
    }

    /// Results in the order of jobs, shards, kinds and numbers.
    public func resultPages(_ filter: CatalogueFilter = CatalogueFilter()) -> RecordPages<ResultSummary> {
        pages(filter, where: "true") { shards, count in
            """
            SELECT j.name, s.number AS shard, r.number, r.kind, r.form, octet_length(r.content) AS bytes,
                   encode(r.sha256, 'hex') AS sha256, r.worker_id, r.device_class,
                   \(timestamp: "r.recorded_at") AS recorded, r.lost_at IS NOT NULL AS lost
            FROM shards s JOIN jobs j ON j.id = s.job_id JOIN results r ON r.shard_id = s.id
            WHERE s.id = ANY(\(shards))
            ORDER BY s.job_id, s.number, r.kind, r.number LIMIT \(count)
            """
        } record: { row in
            ResultSummary(
                job: try row.string("name"), shard: try row.int("shard"), task: try row.int("number"),
                kind: try row.string("kind"), form: try row.string("form"), bytes: try row.int("bytes"),
                sha256: try row.string("sha256"), worker: try row.int("worker_id"),
                deviceClass: try row.optionalString("device_class"), recordedAt: try row.string("recorded"),
                lost: try row.bool("lost"))
        }
    }

    /// What a result holds; `nil` when it is gone, or was recorded anew since it was listed.
    public func content(of result: ResultSummary) async throws -> [UInt8]? {
        try await connection.query(
            """
            SELECT r.content FROM jobs j JOIN shards s ON s.job_id = j.id AND s.number = \(result.shard)
            JOIN results r ON r.shard_id = s.id AND r.kind = \(result.kind) AND r.number = \(result.task)
            WHERE j.name = \(result.job) AND encode(r.sha256, 'hex') = \(result.sha256)
            """, prepared: true
        ).first?.bytes("content")
    }
}
