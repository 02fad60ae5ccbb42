// The object directory as garbage collection sees it.

import Catalogue
import Digests
import Executors
import Stores

/// Looks at files and removes them, on its own thread.
actor CollectedFiles {
    private let thread = DedicatedThread(name: "collection")
    private let store: ObjectStore

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(store: ObjectStore) { self.store = store }

    func isIntact(_ row: ShardRow, verify: Bool) throws -> Bool {
        guard let recorded = row.tar, let bytes = row.bytes, let digest = row.digest else { return false }
        do {
            let tar = try store.path(ofShard: row.job, number: row.number, recorded: recorded)
            guard try store.size(of: tar) == bytes else { return false }
            if verify { try store.verify(tar, size: bytes, digest: digest) }
            return true
        } catch {
            guard [.corrupt, .missing, .invalid].contains(error.code) else { throw error }
            return false
        }
    }

    func folders() throws -> [String] { try store.objectFolders() }

    /// What only workers put there: images. Others count as foreign.
    func list(_ folder: String, olderThan age: Duration) throws -> ObjectFolder {
        var listed = try store.list(objectFolder: folder, olderThan: age)
        listed.foreign += listed.objects.map(\.path).filter { !$0.hasSuffix(".png") }
        listed.objects.removeAll { !$0.path.hasSuffix(".png") }
        return listed
    }

    func foreignEntries() throws -> [String] { try store.foreignEntries() }

    func size(of path: String) throws -> Int? { try store.size(of: path) }

    func remove(_ digest: SHA256Digest, olderThan age: Duration, isDryRun: Bool) throws -> Bool {
        try remove(try store.path(of: digest, extension: "png"), olderThan: age, isDryRun: isDryRun)
    }

    func remove(_ path: String, olderThan age: Duration, isDryRun: Bool) throws -> Bool {
        guard isDryRun else { return try store.remove(path, olderThan: age) }
        guard let found = try store.age(of: path) else { return false }
        return found > age
    }

    func collectTemporaries(olderThan age: Duration, isDryRun: Bool) throws -> (count: Int, bytes: Int) {
        try store.removeStaleTemporaries(olderThan: age, removing: !isDryRun)
    }

    /// The names of the jobs that have a folder below `shards/`.
    func jobs() throws -> [String] { try store.shardFolders() }

    /// The files of one job below `shards/`, split into those with an archive's name and others.
    func archives(of job: String) throws -> (archives: [(number: Int, path: String)], foreign: [String]) {
        let files = try store.shardFiles(ofJob: job)
        return (
            files.compactMap { file in file.number.map { ($0, file.path) } },
            files.filter { $0.number == nil }.map(\.path)
        )
    }
}
