// A range of claimable tasks that somebody has to hint, and the queue it belongs into.

public import Digests
import Postgres
public import Tasks

/// A range of tasks and where its hint goes.
public struct HintTarget: Sendable, Hashable {
    /// Where the hints go.
    public var queue: WorkQueue
    /// The job's row.
    public var job: Int64
    /// The job's name, for the message's correlation id.
    public var jobName: String
    /// The hash of the job's specification.
    public var specification: SHA256Digest
    /// The shard's row.
    public var shard: Int64
    /// Task numbers.
    public var range: Range<Int>
    /// Tasks per hint.
    public var hintSize: Int

    /// The hints that cover the range, each at most ``hintSize`` tasks long.
    public var hints: [Hint] {
        stride(from: range.lowerBound, to: range.upperBound, by: hintSize).map { first in
            hint(first..<min(first + hintSize, range.upperBound))
        }
    }

    /// One hint for part of the range.
    public func hint(_ part: Range<Int>) -> Hint {
        Hint(
            kind: queue.kind, job: job, shard: shard, first: part.lowerBound, count: part.count,
            specification: specification)
    }
}

extension HintTarget {
    /// Reads the columns id, job_id, name, digest, kind, capability, lane, hint_size, and first and tasks
    /// for the range; `nil` for what nobody may hint: words that no queue has, tasks that no shard has.
    init?(row: Row) throws {
        let kind = TaskKind(rawValue: try row.string("kind"))
        let capability = Capability(rawValue: try row.string("capability"))
        guard let lane = Lane(rawValue: try row.string("lane")) else {
            throw CatalogueError(.unreadable, "jobs.lane: expected normal or high, found '\(try row.string("lane"))'")
        }
        queue = WorkQueue(kind: kind, capability: capability, lane: lane)
        job = Int64(try row.int("job_id"))
        jobName = try row.string("name")
        specification = try SHA256Digest(column: "digest", of: row)
        shard = Int64(try row.int("id"))
        let first = row.has("first") ? try row.int("first") : 0
        let (tasks, most) = (try row.int("tasks"), JobRanges.recordedShardSizes.upperBound)
        guard kind.isValid, capability.isValid, first >= 0, tasks >= 1, first + tasks <= most else { return nil }
        range = first..<(first + tasks)
        hintSize = try row.int("hint_size")
    }
}

extension SHA256Digest {
    /// Reads a `bytea` column that holds 32 bytes.
    init(column: String, of row: Row) throws {
        guard let digest = SHA256Digest(bytes: try row.bytes(column)) else {
            throw CatalogueError(.unreadable, "column \(column): expected 32 bytes of SHA-256, found another length")
        }
        self = digest
    }
}
