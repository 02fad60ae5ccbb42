// A job's own tasks with what they recorded, in order: what reads a whole job's results.

public import Digests
import Postgres
public import Tasks

/// A task of its job's own kind, with what it has to do and the result that it recorded.
public struct OwnTask: Sendable, Hashable {
    /// Its shard's row.
    public var shard: Int64
    /// The shard's number in the job, from 0.
    public var shardNumber: Int
    /// Its number in the shard, from 0.
    public var number: Int
    /// Where it stands.
    public var state: TaskState
    /// The image that it is about.
    public var imageID: Int
    /// What it has to do.
    public var payload: [UInt8]
    /// What it recorded and did not lose, and was not found damaged; `nil` for tasks that recorded nothing, or an image.
    public var result: [UInt8]?
    /// SHA-256 of ``result``, as it was recorded.
    public var digest: SHA256Digest?
}

extension Catalogue {
    /// Tasks that one statement reads at most: a result has some kilobytes as a rule, and 16 MiB at most.
    private static let ownTasksPerStatement = 200

    /// Hands the tasks of a job's own kind to `body`, shard by shard and in their order. Each statement sees its own moment.
    /// - Parameter withResults: whether results are read, too.
    public func forEachOwnTask(
        of job: Int64, withResults: Bool = true, _ body: (OwnTask) throws -> Void
    ) async throws {
        for shard in try await shardRows(job: job) {
            var last = -1
            while true {
                let rows = try await connection.query(
                    """
                    SELECT t.number, t.state::text AS state, p.image_id, p.payload, r.content, r.sha256
                    FROM shards s JOIN jobs j ON j.id = s.job_id
                    JOIN tasks t ON t.shard_id = s.id AND t.kind = j.kind AND t.number > \(last) AND t.number < s.tasks
                    JOIN payloads p ON p.shard_id = t.shard_id AND p.number = t.number
                    LEFT JOIN results r ON \(withResults) AND r.shard_id = t.shard_id AND r.kind = t.kind
                         AND r.number = t.number AND r.lost_at IS NULL AND t.state = 'done'
                    WHERE s.id = \(shard.id) ORDER BY t.number LIMIT \(Self.ownTasksPerStatement)
                    """)
                for row in rows {
                    try body(
                        OwnTask(
                            shard: shard.id, shardNumber: shard.number, number: try row.int("number"),
                            state: TaskState(rawValue: try row.string("state")) ?? .open,
                            imageID: try row.int("image_id"), payload: try row.bytes("payload"),
                            result: try row.optionalBytes("content"),
                            digest: try row.optionalBytes("sha256").flatMap { SHA256Digest(bytes: $0) }))
                }
                guard rows.count == Self.ownTasksPerStatement, let end = rows.last else { break }
                last = try end.int("number")
            }
        }
    }
}
