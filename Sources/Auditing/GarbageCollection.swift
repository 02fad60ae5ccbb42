// Removing files that nobody needs any more.

public import Catalogue
import Digests
import Executors
public import Stores
import Tasks

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
}

/// Removes loose objects that are in finished shards' archives or referenced by nothing, stale temporary files, and
/// archives of purged jobs.
///
/// It never removes what an unfinished shard refers to, what is younger than the limit, or what may have been stored
/// under a lease that still exists. Age and references are looked at again right before removal, under a lock that
/// putting the same bytes again respects, so it may run beside workers.
public struct GarbageCollection: Sendable {
    private let catalogue: Catalogue
    private let files: CollectedFiles
    private let limit: Duration
    private let isDryRun: Bool

    /// - Parameters:
    ///   - limit: files younger than this stay; at least the longest clock skew between the hosts that share the store.
    ///   - isDryRun: whether to count only.
    public init(catalogue: Catalogue, store: ObjectStore, limit: Duration, isDryRun: Bool) {
        self.catalogue = catalogue
        files = CollectedFiles(store: store)
        self.limit = limit
        self.isDryRun = isDryRun
    }

    /// Collects.
    /// - Parameter verify: whether archives are hashed before their loose objects go; otherwise their size is enough.
    public func run(verify: Bool) async throws -> CollectionReport {
        var report = CollectionReport()
        var archived: [Int64] = []
        for row in try await catalogue.archives() {
            if try await files.isIntact(row, verify: verify) {
                archived.append(row.id)
            } else {
                report.doubtfulArchives += 1
            }
        }
        for folder in try await files.folders() { try await collect(folder, archived: archived, into: &report) }
        let stale = try await files.collectTemporaries(olderThan: try await safeLimit(), isDryRun: isDryRun)
        report.temporaries = stale.count
        report.temporaryBytes = stale.bytes
        try await collectArchives(into: &report)
        return report
    }

    private func collect(_ folder: String, archived: [Int64], into report: inout CollectionReport) async throws {
        let old = try await files.objects(in: folder, olderThan: limit)
        guard !old.isEmpty else { return }
        // In this order: what is recorded between the two questions is seen by the second, what is not yet recorded is
        // protected by the first.
        let limit = try await safeLimit()
        let needed = try await catalogue.needed(old.map(\.digest), archived: archived)
        for object in old where !needed.contains(object.digest) {
            guard try await files.remove(object.path, olderThan: limit, isDryRun: isDryRun) else { continue }
            report.objects += 1
            report.objectBytes += object.size
        }
    }

    /// The limit, or the age of the oldest lease and a minute for clocks, whichever is longer: the holder of a lease
    /// may
    /// have stored an image that it could not record yet.
    private func safeLimit() async throws -> Duration {
        let lease = try await catalogue.oldestLeaseAge()
        return max(limit, lease > 0 ? .seconds(lease + 60) : .zero)
    }

    private func collectArchives(into report: inout CollectionReport) async throws {
        for file in try await files.archives() {
            guard let number = file.shard, let size = try await files.size(of: file.path) else { continue }
            if try await catalogue.mayNeedArchive(job: file.job, shard: number) { continue }
            let limit = try await safeLimit()
            guard try await files.remove(file.path, olderThan: limit, isDryRun: isDryRun) else { continue }
            report.archives += 1
            report.archiveBytes += size
        }
    }
}

/// The object directory as a collection sees it, on a thread of its own.
private actor CollectedFiles {
    private let thread = DedicatedThread(name: "collection")
    private let store: ObjectStore

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(store: ObjectStore) { self.store = store }

    func isIntact(_ row: ShardRow, verify: Bool) throws -> Bool {
        guard let tar = row.tar, let bytes = row.bytes, let digest = row.digest, try store.size(of: tar) == bytes else {
            return false
        }
        guard verify else { return true }
        do {
            try store.verify(tar, digest: digest)
            return true
        } catch {
            guard error.code == .corrupt || error.code == .missing else { throw error }
            return false
        }
    }

    func folders() throws -> [String] { try store.objectFolders() }

    func objects(in folder: String, olderThan age: Duration) throws -> [StoredObject] {
        try store.objects(inFolder: folder).filter { object in
            guard let found = try store.age(of: object.path) else { return false }
            return found > age
        }
    }

    func size(of path: String) throws -> Int? { try store.size(of: path) }

    func remove(_ path: String, olderThan age: Duration, isDryRun: Bool) throws -> Bool {
        guard isDryRun else { return try store.remove(path, olderThan: age) }
        guard let found = try store.age(of: path) else { return false }
        return found > age
    }

    func collectTemporaries(olderThan age: Duration, isDryRun: Bool) throws -> (count: Int, bytes: Int) {
        try store.removeStaleTemporaries(olderThan: age, removing: !isDryRun)
    }

    /// The files below `shards/`, with the shard's number where the name is one of ours.
    func archives() throws -> [(job: String, shard: Int?, path: String)] {
        try store.shardFiles().map { file in
            let name = file.path.split(separator: "/").last ?? ""
            let isOurs = name.hasPrefix(file.job + "-") && name.hasSuffix(".tar")
            return (file.job, isOurs ? Int(name.dropFirst(file.job.count + 1).dropLast(4)) : nil, file.path)
        }
    }
}
