// The store as garbage collection sees it.

import Catalogue
import Digests
import Executors
import Stores

/// Looks at files and removes them, on its own thread.
actor CollectedFiles {
    private let thread = DedicatedThread(name: "collection")
    private let store: any ObjectStore

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(store: any ObjectStore) { self.store = store }

    func isIntact(_ row: ShardRow, verify: Bool) throws -> Bool {
        guard let recorded = row.tar, let bytes = row.bytes, let digest = row.digest else { return false }
        do {
            let archive = try ArchiveName(job: row.job, number: row.number, recorded: recorded)
            guard try store.size(of: .archive(archive)) == bytes else { return false }
            if verify { try store.verify(.archive(archive), size: bytes, digest: digest) }
            return true
        } catch {
            guard [.corrupt, .missing, .invalid].contains(error.code) else { throw error }
            return false
        }
    }

    func prefixes() throws -> [String] { try store.objectPrefixes() }

    /// What only workers put there: images. Others count as foreign.
    func list(_ prefix: String, olderThan age: Duration) throws -> ObjectListing {
        var listed = try store.objects(withPrefix: prefix, olderThan: age)
        listed.foreign += listed.objects.filter { $0.name.extension != "png" }.map(\.name.key)
        listed.objects.removeAll { $0.name.extension != "png" }
        return listed
    }

    func foreignEntries() throws -> [String] { try store.foreignEntries() }

    func size(of archive: ArchiveName) throws -> Int? { try store.size(of: .archive(archive)) }

    func remove(image digest: SHA256Digest, olderThan age: Duration, isDryRun: Bool) throws -> Bool {
        try remove(.object(try ObjectName(digest, extension: "png")), olderThan: age, isDryRun: isDryRun)
    }

    func remove(_ name: StoreName, olderThan age: Duration, isDryRun: Bool) throws -> Bool {
        guard isDryRun else { return try store.remove(name, olderThan: age) }
        guard let found = try store.entry(name), found.size != nil else { return false }
        return found.age > age
    }

    func collectTemporaries(olderThan age: Duration, isDryRun: Bool) throws -> (count: Int, bytes: Int) {
        try store.removeAbandoned(olderThan: age, removing: !isDryRun)
    }

    /// The names under which archives are kept.
    func jobs() throws -> [String] { try store.archivedJobs() }

    /// What is kept under a job's name.
    func archives(of job: String) throws -> ArchiveListing { try store.archives(ofJob: job) }
}
