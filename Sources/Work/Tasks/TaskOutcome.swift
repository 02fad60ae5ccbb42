// What became of a task, as the catalogue records it: an image, an archive, a result, or a failure.

public import Digests

/// One generated image, as the catalogue records it.
public struct ImageRecord: Sendable, Hashable {
    /// SHA-256 of the stored file; also its place in the object directory.
    public var digest: SHA256Digest
    /// Size of the stored file in bytes.
    public var bytes: Int
    /// Pixels.
    public var width: Int
    /// Pixels.
    public var height: Int
    /// What the job's gate found out about it: the JSON of an ``Layouts/ImageJudgement``.
    public var judgement: String?

    /// Describes a stored image.
    public init(digest: SHA256Digest, bytes: Int, width: Int, height: Int, judgement: String? = nil) {
        self.digest = digest
        self.bytes = bytes
        self.width = width
        self.height = height
        self.judgement = judgement
    }
}

/// One packed shard, as the catalogue records it.
public struct ArchiveRecord: Sendable, Hashable {
    /// Relative to the store's root.
    public var path: String
    /// SHA-256 of the file.
    public var digest: SHA256Digest
    /// Size of the file.
    public var bytes: Int
    /// How many images it holds.
    public var samples: Int

    /// Describes a stored archive.
    public init(path: String, digest: SHA256Digest, bytes: Int, samples: Int) {
        self.path = path
        self.digest = digest
        self.bytes = bytes
        self.samples = samples
    }
}

/// What a task found that is no image: bytes or JSON, kept in the catalogue itself.
public struct ResultRecord: Sendable, Hashable {
    /// What the bytes are.
    public enum Form: String, Sendable, Codable, CaseIterable {
        /// Whatever the kind says.
        case bytes
        /// One JSON value in UTF-8.
        case json
    }

    /// The most bytes that the catalogue takes; a larger result fails its task.
    public static let largestSize = 16 << 20

    /// What it holds.
    public var content: [UInt8]
    /// What that is.
    public var form: Form
    /// SHA-256 of the content.
    public var digest: SHA256Digest

    /// Describes a result; equal content has an equal digest.
    public init(_ content: [UInt8], form: Form) {
        self.content = content
        self.form = form
        digest = SHA256.digest(of: content)
    }
}

/// What became of one task. Tasks of a job's own kind make images or results; what follows a shard makes an archive
/// or a result.
public enum TaskOutcome: Sendable, Hashable {
    /// An image was stored.
    case image(ImageRecord)
    /// A shard was packed.
    case archive(ArchiveRecord)
    /// Something was found that the catalogue keeps.
    case result(ResultRecord)
    /// It failed; permanent means that another attempt cannot help.
    case failed(reason: String, isPermanent: Bool)
}

/// The outcome of the task with this number in the batch.
public struct TaskResult: Sendable, Hashable {
    /// The task's number in the shard.
    public var number: Int
    /// What became of it.
    public var outcome: TaskOutcome

    /// Ties an outcome to its task.
    public init(number: Int, outcome: TaskOutcome) {
        self.number = number
        self.outcome = outcome
    }
}
