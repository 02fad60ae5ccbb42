// What people see of the catalogue: one record per line of `detdiffusion-catalogue --json`.

/// One job. Encoded with exactly these keys.
public struct JobSummary: Codable, Sendable, Hashable {
    public var job: String
    public var kind: String
    public var capability: String
    public var lane: String
    public var strategy: String?
    /// `running`, `paused`, `cancelled`, or `finished` when every shard is.
    public var state: String
    public var tasks: Int
    public var done: Int
    public var dead: Int
    public var cancelled: Int
    public var shards: Int
    public var finishedShards: Int
    /// Shards that wait to be packed.
    public var generatedShards: Int
    public var quarantinedShards: Int
    /// ISO 8601, UTC.
    public var createdAt: String
}

/// One shard.
public struct ShardSummary: Codable, Sendable, Hashable {
    public var job: String
    public var shard: Int
    public var state: String
    public var tasks: Int
    public var done: Int
    public var dead: Int
    public var cancelled: Int
    /// Relative to the object directory; only of a finished shard, like the next three.
    public var tar: String?
    public var sha256: String?
    public var bytes: Int?
    public var samples: Int?
    /// Why it is quarantined.
    public var reason: String?
    public var finishedAt: String?
}

/// One task.
public struct TaskSummary: Codable, Sendable, Hashable {
    public var job: String
    public var shard: Int
    public var task: Int
    public var kind: String
    public var image: Int?
    public var sample: Int?
    public var state: String
    public var attempt: Int
    public var deaths: Int
    public var epoch: Int
    /// Why its last attempt failed.
    public var reason: String?
}

/// One generated image.
public struct OutputSummary: Codable, Sendable, Hashable {
    public var job: String
    public var shard: Int
    public var task: Int
    public var image: Int
    public var sample: Int
    public var sha256: String
    public var bytes: Int
    public var width: Int
    public var height: Int
    public var worker: Int
    public var recordedAt: String
    /// Whether its bytes were found missing and are being made again.
    public var lost: Bool
}

/// One worker process.
public struct WorkerSummary: Codable, Sendable, Hashable {
    public var worker: Int
    public var name: String
    public var host: String
    public var pid: Int
    public var version: String
    public var serves: [String]
    public var deviceClass: String
    public var state: String
    public var done: Int
    public var failed: Int
    /// Leases that it holds now.
    public var leases: Int
    /// Seconds since its last sign of life.
    public var silent: Double
}

/// Which rows a query returns; absent parts do not restrict.
public struct CatalogueFilter: Sendable, Hashable {
    public var job: String?
    public var shard: Int?
    public var state: String?
    public var image: Int?
    /// The most rows; all of them if absent.
    public var limit: Int?

    /// Makes a filter.
    public init(job: String? = nil, shard: Int? = nil, state: String? = nil, image: Int? = nil, limit: Int? = nil) {
        self.job = job
        self.shard = shard
        self.state = state
        self.image = image
        self.limit = limit
    }
}
