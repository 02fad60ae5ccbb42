// What people see of the catalogue: one record per line of `detdiffusion-catalogue --json`.

/// One job. Encoded with exactly these keys.
public struct JobSummary: Codable, Sendable, Hashable {
    /// The job's name.
    public var job: String
    /// What its tasks do.
    public var kind: String
    /// What a worker needs to serve it.
    public var capability: String
    /// `normal` or `high`.
    public var lane: String
    /// `origin`, `hard` or `easy`.
    public var strategy: String?
    /// `running`, `paused`, `cancelled`, or `finished` when every shard is.
    public var state: String
    /// Tasks in all shards.
    public var tasks: Int
    /// Tasks with a recorded result.
    public var done: Int
    /// Tasks that were given up.
    public var dead: Int
    /// Tasks that were cancelled before they were claimed.
    public var cancelled: Int
    /// Shards in all.
    public var shards: Int
    /// Shards with which everything was done.
    public var finishedShards: Int
    /// Shards whose tasks are done and that wait for what follows.
    public var generatedShards: Int
    /// Shards for which what follows failed.
    public var quarantinedShards: Int
    /// The job that it follows.
    public var after: String?
    /// What of that job it waits for: `job` as a whole, or the `shard` of the same number.
    public var afterBy: String?
    /// The state of that job's row: `running`, `paused`, or `cancelled`, and then it waits in vain.
    public var afterState: String?
    /// Shards that wait for that job.
    public var blockedShards: Int
    /// ISO 8601, UTC.
    public var createdAt: String
}

/// One shard.
public struct ShardSummary: Codable, Sendable, Hashable {
    /// The job's name.
    public var job: String
    /// The shard's number in the job, from 0.
    public var shard: Int
    /// `blocked`, `open`, `generated`, `finished`, `quarantined` or `cancelled`.
    public var state: String
    /// Tasks in the shard.
    public var tasks: Int
    /// Tasks with a recorded result.
    public var done: Int
    /// Tasks that were given up.
    public var dead: Int
    /// Tasks that were cancelled before they were claimed.
    public var cancelled: Int
    /// Relative to the object directory; only of a finished shard, like the next three.
    public var tar: String?
    /// SHA-256 of the archive, in hexadecimal.
    public var sha256: String?
    /// Size of the archive.
    public var bytes: Int?
    /// Images in the archive.
    public var samples: Int?
    /// Why it is quarantined.
    public var reason: String?
    /// ISO 8601, UTC.
    public var finishedAt: String?
}

/// One task.
public struct TaskSummary: Codable, Sendable, Hashable {
    /// The job's name.
    public var job: String
    /// The shard's number in the job, from 0.
    public var shard: Int
    /// The task's number in the shard, from 0.
    public var task: Int
    /// What it does.
    public var kind: String
    /// The image whose layout it has.
    public var image: Int?
    /// Which of the layout's samples it is, from 0.
    public var sample: Int?
    /// `open`, `leased`, `waiting`, `done`, `dead` or `cancelled`.
    public var state: String
    /// Tries that counted as failed.
    public var attempt: Int
    /// Tries that lost their worker.
    public var deaths: Int
    /// How often it was given back while it was being computed; counts as no attempt.
    public var returns: Int
    /// How often it was claimed.
    public var epoch: Int
    /// Why its last attempt failed.
    public var reason: String?
}

/// One generated image.
public struct OutputSummary: Codable, Sendable, Hashable {
    /// The job's name.
    public var job: String
    /// The shard's number in the job, from 0.
    public var shard: Int
    /// The task's number in the shard, from 0.
    public var task: Int
    /// The image whose layout it has.
    public var image: Int
    /// Which of the layout's samples it is, from 0.
    public var sample: Int
    /// SHA-256 of the image file, in hexadecimal.
    public var sha256: String
    /// Size of the image file.
    public var bytes: Int
    /// Pixels.
    public var width: Int
    /// Pixels.
    public var height: Int
    /// The worker process that made it.
    public var worker: Int
    /// What it was made on: equal classes give equal bytes for equal seeds. `nil` where a program of
    /// before recorded it.
    public var deviceClass: String?
    /// ISO 8601, UTC.
    public var recordedAt: String
    /// Whether its bytes were found missing and are being made again.
    public var lost: Bool
}

/// One worker process.
public struct WorkerSummary: Codable, Sendable, Hashable {
    /// The process's row in the catalogue.
    public var worker: Int
    /// What people call it.
    public var name: String
    /// The host's name.
    public var host: String
    /// The process id on its host.
    public var pid: Int
    /// The program's version.
    public var version: String
    /// Kind and capability of each handler.
    public var serves: [String]
    /// The class of its first handler that needs a device; each record carries its own.
    public var deviceClass: String
    /// `running`, `draining`, `stopped`, or `lost` without a sign of life for three minutes.
    public var state: String
    /// Tasks that it finished.
    public var done: Int
    /// Tasks that failed in it.
    public var failed: Int
    /// Leases that it holds now.
    public var leases: Int
    /// Seconds since its last sign of life.
    public var silent: Double
}

/// Which rows a query returns; absent parts do not restrict.
public struct CatalogueFilter: Sendable, Hashable {
    /// The job's name.
    public var job: String?
    /// The shard's number in the job.
    public var shard: Int?
    /// The state's name, as the rows show it.
    public var state: String?
    /// The image of the annotation file.
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
