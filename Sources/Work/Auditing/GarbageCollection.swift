// Removing files that nobody needs any more.

public import Catalogue
import Digests
public import Stores
import Tasks

/// Removes loose objects that are in finished shards' archives or that nobody recorded, stale temporary files, and
/// archives of purged jobs.
///
/// It never removes what an unfinished shard refers to, what is younger than the limit, what may have been stored under
/// a lease that still exists, or what the catalogue never knew: archives and folders of other jobs, and files that no
/// store has put there, are counted and stay. Age and references are looked at again right before removal, under a lock
/// that putting the same bytes again respects, so it may run beside workers. In memory it keeps a verdict for each
/// finished shard, and so many digests at most; a statement reads one shard's outputs at most.
public struct GarbageCollection: Sendable {
    private let catalogue: Catalogue
    private let files: CollectedFiles
    private let limit: Duration
    private let isDryRun: Bool
    private let candidateLimit: Int

    /// Loose objects that are looked for in the catalogue at once; about 30 MB.
    private static let candidateLimit = 200_000
    /// Shards that are looked at in one statement.
    private static let shardsPerStatement = 1_000

    /// - Parameters:
    ///   - limit: files younger than this stay; at least the longest clock skew between the hosts that share the store.
    ///   - isDryRun: whether to count only.
    public init(catalogue: Catalogue, store: ObjectStore, limit: Duration, isDryRun: Bool) {
        self.init(
            catalogue: catalogue, store: store, limit: limit, isDryRun: isDryRun, candidateLimit: Self.candidateLimit)
    }

    /// Looks for so many loose objects at once.
    init(catalogue: Catalogue, store: ObjectStore, limit: Duration, isDryRun: Bool, candidateLimit: Int) {
        self.catalogue = catalogue
        files = CollectedFiles(store: store)
        self.limit = limit
        self.isDryRun = isDryRun
        self.candidateLimit = candidateLimit
    }

    /// Collects.
    /// - Parameter verify: whether archives are hashed before their loose objects go; otherwise their size is enough.
    public func run(verify: Bool) async throws -> CollectionReport {
        var report = CollectionReport()
        var archives = JudgedArchives(verify: verify)
        report.note(foreign: try await files.foreignEntries())
        var candidates = Candidates()
        for folder in try await files.folders() {
            let listed = try await files.list(folder, olderThan: limit)
            report.note(foreign: listed.foreign)
            candidates.add(listed.objects)
            guard candidates.count >= candidateLimit else { continue }
            try await collect(&candidates, judging: &archives, into: &report)
        }
        if candidates.count > 0 || !archives.hasJudged {
            try await collect(&candidates, judging: &archives, into: &report)
        }
        report.doubtfulArchives = archives.doubtful
        let stale = try await files.collectTemporaries(olderThan: try await safeLimit(), isDryRun: isDryRun)
        report.temporaries = stale.count
        report.temporaryBytes = stale.bytes
        for job in try await files.jobs() { try await collectArchives(of: job, into: &report) }
        return report
    }

    // MARK: Loose objects

    /// Removes those of the candidates that nobody needs; there are none afterwards.
    private func collect(
        _ candidates: inout Candidates, judging archives: inout JudgedArchives, into report: inout CollectionReport
    ) async throws {
        // In this order: what is recorded between the two questions is seen by the second, what is not yet recorded is
        // protected by the first.
        let limit = try await safeLimit()
        var last: Int64 = 0
        while true {
            let shards = try await catalogue.shardRows(after: last, limit: Self.shardsPerStatement)
            guard let end = shards.last else { break }
            last = end.id
            try await keepNeeded(of: shards, among: &candidates, judging: &archives)
        }
        for object in candidates.sorted {
            guard try await files.remove(object.digest, olderThan: limit, isDryRun: isDryRun) else { continue }
            report.objects += 1
            report.objectBytes += object.size
        }
        candidates = Candidates()
    }

    /// Strikes out the candidates that these shards need: all that they recorded, unless they are finished and their
    /// archive is what was recorded.
    private func keepNeeded(
        of shards: [ShardRow], among candidates: inout Candidates, judging archives: inout JudgedArchives
    ) async throws {
        for shard in shards {
            if shard.needsArchive, try await archives.isIntact(shard, in: files) { continue }
            guard let range = candidates.range else { continue }
            try await catalogue.forEachDigest(
                recordedBy: shard.id, from: range.lowerBound, through: range.upperBound
            ) { candidates.strike($0) }
        }
    }

    /// The limit, or the age of the oldest lease and a minute for clocks, whichever is longer: the holder of a lease may
    /// have stored an image that it could not record yet.
    private func safeLimit() async throws -> Duration {
        let lease = try await catalogue.oldestLeaseAge()
        return max(limit, lease > 0 ? .seconds(lease + 60) : .zero)
    }

    // MARK: Archives

    private func collectArchives(of job: String, into report: inout CollectionReport) async throws {
        let listed = try await files.archives(of: job)
        report.note(foreign: listed.foreign)
        var rest = listed.archives[...]
        while !rest.isEmpty {
            let group = rest.prefix(Self.shardsPerStatement)
            rest.removeFirst(group.count)
            let limit = try await safeLimit()
            let fates = try await catalogue.archiveFates(job: job, shards: group.map(\.number))
            for archive in group {
                switch fates[archive.number] ?? .unknown {
                case .needed: continue
                case .unknown: report.note(foreign: [archive.path])
                case .removable:
                    guard let size = try await files.size(of: archive.path),
                        try await files.remove(archive.path, olderThan: limit, isDryRun: isDryRun)
                    else { continue }
                    report.archives += 1
                    report.archiveBytes += size
                }
            }
        }
    }
}

/// Loose objects that may go, by their digests.
private struct Candidates {
    private var sizes: [SHA256Digest: Int] = [:]
    /// The smallest and the largest digest that was added; `nil` without any.
    private(set) var range: ClosedRange<SHA256Digest>?

    var count: Int { sizes.count }

    mutating func add(_ objects: [StoredObject]) {
        for object in objects { sizes[object.digest] = object.size }
        guard let first = objects.first?.digest, let last = objects.last?.digest else { return }
        range = min(range?.lowerBound ?? first, first)...max(range?.upperBound ?? last, last)
    }

    mutating func strike(_ digest: SHA256Digest) { sizes[digest] = nil }

    var sorted: [(digest: SHA256Digest, size: Int)] {
        sizes.map { ($0.key, $0.value) }.sorted { $0.digest < $1.digest }
    }
}

/// Which finished shards' archives are what was recorded; each is looked at once.
private struct JudgedArchives {
    let verify: Bool
    private var verdicts: [Int64: Bool] = [:]

    init(verify: Bool) { self.verify = verify }

    var hasJudged: Bool { !verdicts.isEmpty }
    var doubtful: Int { verdicts.values.count { !$0 } }

    mutating func isIntact(_ shard: ShardRow, in files: CollectedFiles) async throws -> Bool {
        if let verdict = verdicts[shard.id] { return verdict }
        let verdict = try await files.isIntact(shard, verify: verify)
        verdicts[shard.id] = verdict
        return verdict
    }
}
