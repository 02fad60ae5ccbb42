// What a collection did, for people and programs.

/// What a collection removed, or would remove. Encoded with exactly these keys.
public struct CollectionReport: Sendable, Hashable, Codable {
    /// Loose objects.
    public var objects = 0
    /// Their size.
    public var objectBytes = 0
    /// Temporary files that crashes left.
    public var temporaries = 0
    /// Their size.
    public var temporaryBytes = 0
    /// Archives of purged jobs and cancelled shards.
    public var archives = 0
    /// Their size.
    public var archiveBytes = 0
    /// Finished shards whose archive is not what was recorded; their objects stay.
    public var doubtfulArchives = 0
    /// Files and folders in `objects/`, `shards/` and `tmp/` that this catalogue knows nothing of; they stay.
    public var foreign = 0
    /// The first few of them, relative to the object directory.
    public var foreignExamples: [String] = []

    private static let exampleLimit = 5

    mutating func note(foreign paths: [String]) {
        foreign += paths.count
        foreignExamples += paths.prefix(Self.exampleLimit - foreignExamples.count)
    }
}
