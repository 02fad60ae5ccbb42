// What a task does, and what a worker can do.

/// What the tasks of a job or shard do. New kinds need no change in the catalogue or the worker loop.
public struct TaskKind: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The word used in queue names, messages and catalogue rows; lower-case letters.
    public let rawValue: String

    /// Names a kind.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// One image from one layout task.
    public static let generate = TaskKind(rawValue: "generate")
    /// What a detector finds in one image, and the attributes of its objects.
    public static let detect = TaskKind(rawValue: "detect")
    /// One tar file from the outputs of one shard.
    public static let pack = TaskKind(rawValue: "pack")

    /// Whether the word can be one: 1 to 32 letters a to z, since it goes into queue names and JSON as it is.
    public var isValid: Bool {
        (1...32).contains(rawValue.utf8.count) && rawValue.utf8.allSatisfy { (97...122).contains($0) }
    }

    /// The word itself.
    public var description: String { rawValue }
}

/// What a worker must have to serve a task: a generator or detector, with its checkpoint's first 12 digits where it
/// has one.
public struct Capability: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// `sketch`, `diffusion.0a1b2c3d4e5f`, `archive`: the part of a queue's name after the kind.
    public let rawValue: String

    /// Names a capability.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Writing shard archives to the object directory.
    public static let archive = Capability(rawValue: "archive")

    /// The capability of generator `name`, tied to the checkpoint with this hexadecimal digest if there is one, and to the
    /// detector with the other if its images are to pass a gate.
    public init(generator name: String, checkpointDigest: String? = nil, gateDigest: String? = nil) {
        self.init(
            rawValue: name + (checkpointDigest.map { ".\($0.prefix(12))" } ?? "")
                + (gateDigest.map { ".gate-\($0.prefix(12))" } ?? ""))
    }

    /// Whether it can stand in a queue's name: 1 to 80 of a-z, 0-9, `-` and `.`, beginning with a letter or digit.
    public var isValid: Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard let first = rawValue.utf8.first, rawValue.utf8.count <= 80 else { return false }
        return isAlphanumeric(first)
            && rawValue.utf8.allSatisfy { isAlphanumeric($0) || [UInt8(ascii: "-"), UInt8(ascii: ".")].contains($0) }
    }

    /// The capability itself.
    public var description: String { rawValue }
}

/// What is done with a complete shard before it is finished.
public struct FollowUp: Hashable, Sendable, Codable {
    /// What its one task does; another kind than the job's own.
    public var kind: TaskKind
    /// What a worker needs for it.
    public var capability: Capability

    /// Names what follows.
    public init(kind: TaskKind, capability: Capability) {
        self.kind = kind
        self.capability = capability
    }

    /// The shard's images become one archive.
    public static let packing = FollowUp(kind: .pack, capability: .archive)
}

/// Names on the broker that are not work queues.
public enum MessageNames {
    /// What every name of this message version begins with.
    public static let prefix = "detdiffusion.v\(Hint.version)"
    /// The fan-out exchange of job control: pause, resume, cancel.
    public static let controlExchange = prefix + ".control"
    /// The exchange and queue of hints that the broker gave up on.
    public static let deadLetters = prefix + ".dead"
    /// The `type` property of a hint.
    public static let hintType = "detdiffusion.hint.v\(Hint.version)"
    /// The `type` property of a control message.
    public static let controlType = "detdiffusion.control.v\(Hint.version)"
}
