// The message: "tasks first ..< first + count of shard s may be claimable".

public import Digests
import Foundation

/// A wake-up for workers. It carries no work: the catalogue decides what is claimable, so a lost or doubled hint can
/// delay an image and never lose or double one. Its JSON Schema is `schemas/messages/hint.v1.schema.json`.
public struct Hint: Hashable, Sendable, Codable {
    /// The message version that this program writes and reads.
    public static let version = 1

    /// The message version.
    public var version: Int
    /// What the tasks do.
    public var kind: TaskKind
    /// The job's row in the catalogue.
    public var job: Int64
    /// The shard's row in the catalogue.
    public var shard: Int64
    /// The first task's number in the shard, from 0.
    public var first: Int
    /// How many task numbers the range spans, at least 1.
    public var count: Int
    /// The hash of the job's specification: a hint for another catalogue's job of the same number claims nothing.
    public var specification: SHA256Digest

    /// Makes a hint of the current version.
    public init(kind: TaskKind, job: Int64, shard: Int64, first: Int, count: Int, specification: SHA256Digest) {
        self.version = Hint.version
        self.kind = kind
        self.job = job
        self.shard = shard
        self.first = first
        self.count = count
        self.specification = specification
    }

    /// The task numbers that it speaks of.
    public var range: Range<Int> { first..<(first + count) }

    /// The same for the same range of the same shard, so that doubles can be recognized in a trace.
    public var messageID: String { "\(specification.hex.prefix(12))-\(kind)-\(shard)-\(first)-\(count)" }

    /// The JSON body, keys sorted.
    public func encoded() -> [UInt8] {
        let text =
            "{\"count\":\(count),\"first\":\(first),\"job\":\(job),\"kind\":\"\(kind)\",\"shard\":\(shard),"
            + "\"specification\":\"\(specification.hex)\",\"version\":\(version)}"
        return Array(text.utf8)
    }

    /// Reads a body; what it refuses belongs into the dead-letter table, never back into the queue.
    public init(decoding body: [UInt8]) throws(TaskError) {
        let hint: Hint
        do {
            hint = try JSONDecoder().decode(Hint.self, from: Data(body))
        } catch {
            throw TaskError(
                .unreadable,
                "hint message: expected the JSON of schemas/messages/hint.v1.schema.json, found "
                    + "\(body.count) bytes that do not decode (\(Hint.reason(of: error)))"
            )
        }
        guard hint.version == Hint.version else {
            throw TaskError(
                .unreadable,
                "hint message: expected version \(Hint.version), found \(hint.version); run workers of "
                    + "that version beside this one"
            )
        }
        guard hint.kind.isValid else {
            // The kind goes on into queue names and into the JSON of the next hint as it is.
            throw TaskError(.unreadable, "hint message: expected a kind of 1 to 32 letters a to z, found another word")
        }
        // Compared without a sum, which could overflow.
        let most = JobRanges.recordedShardSizes.upperBound
        guard (0..<most).contains(hint.first), (1...most).contains(hint.count), hint.first <= most - hint.count else {
            throw TaskError(
                .unreadable,
                "hint message: expected first >= 0, count >= 1 and tasks below \(most), found first \(hint.first), count "
                    + "\(hint.count)")
        }
        guard hint.job >= 1, hint.shard >= 1 else {
            throw TaskError(
                .unreadable, "hint message: expected rows from 1 on, found job \(hint.job), shard \(hint.shard)")
        }
        self = hint
    }

    private static func reason(of error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, _): "key '\(key.stringValue)' is missing"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context):
            context.codingPath.isEmpty
                ? "not a JSON object" : "at key '\(context.codingPath.map(\.stringValue).joined(separator: "."))'"
        default: "not a JSON object"
        }
    }
}
