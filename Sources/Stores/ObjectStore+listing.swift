// What lies in the object directory, folder by folder: its own files, and others.

import Digests
import Foundation

/// What one folder below `objects/` holds.
public struct ObjectFolder: Sendable {
    /// Its objects that are older than was asked for, in the order of their digests.
    public var objects: [StoredObject] = []
    /// What no store has put there: paths relative to the root.
    public var foreign: [String] = []
}

extension ObjectStore {
    /// The folders below `objects/`, each named by the first two digits of its objects.
    public func objectFolders() throws(StoreError) -> [String] {
        var folders: [String] = []
        for name in try entries("objects") where try isObjectFolder(name) { folders.append(name) }
        return folders
    }

    /// Lists one folder below `objects/`.
    /// - Parameter age: how long ago a file must have been written or put at least, by this host's clock.
    public func list(objectFolder folder: String, olderThan age: Duration = .zero) throws(StoreError) -> ObjectFolder {
        var listed = ObjectFolder()
        for name in try entries("objects/\(folder)") {
            let path = "objects/\(folder)/\(name)"
            guard let status = try Disc.status(absolutePath(of: path), following: false) else { continue }
            let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            guard status.st_mode & S_IFMT == S_IFREG, parts.count == 2,
                let digest = SHA256Digest(hex: folder + parts[0]),
                try self.path(of: digest, extension: String(parts[1])) == path
            else {
                listed.foreign.append(path)
                continue
            }
            guard age == .zero || Self.age(of: status) > age else { continue }
            listed.objects.append(StoredObject(digest: digest, size: Int(status.st_size), path: path))
        }
        return listed
    }

    /// Every object, in the order of their digests.
    public func allObjects() throws(StoreError) -> [StoredObject] {
        var objects: [StoredObject] = []
        for folder in try objectFolders() { objects += try list(objectFolder: folder).objects }
        return objects
    }

    /// The folders below `shards/`, each named by its job.
    public func shardFolders() throws(StoreError) -> [String] {
        var folders: [String] = []
        for name in try entries("shards") where try isFolder("shards/\(name)") { folders.append(name) }
        return folders
    }

    /// The files of one job below `shards/`, each with its shard's number where its name is one that
    /// ``path(ofShard:number:)`` gives.
    public func shardFiles(ofJob job: String) throws(StoreError) -> [(number: Int?, path: String)] {
        var files: [(number: Int?, path: String)] = []
        for name in try entries("shards/\(job)") {
            let path = "shards/\(job)/\(name)"
            files.append((try isFolder(path) ? nil : try number(ofArchive: path, of: job), path))
        }
        return files
    }

    private func number(ofArchive path: String, of job: String) throws(StoreError) -> Int? {
        let prefix = "shards/\(job)/\(job)-"
        guard Self.isJob(job), path.hasPrefix(prefix), path.hasSuffix(".tar"),
            let number = Int(path.dropFirst(prefix.count).dropLast(4)), number >= 0,
            try self.path(ofShard: job, number: number) == path
        else { return nil }
        return number
    }

    /// What no store has put directly into `objects/`, `shards/` and `tmp/`: paths relative to the root.
    public func foreignEntries() throws(StoreError) -> [String] {
        var foreign: [String] = []
        for name in try entries("objects") where try !isObjectFolder(name) { foreign.append("objects/\(name)") }
        for name in try entries("shards") where try !isFolder("shards/\(name)") { foreign.append("shards/\(name)") }
        for name in try entries("tmp") where !TemporaryName.isOne(name) { foreign.append("tmp/\(name)") }
        return foreign
    }

    private func isObjectFolder(_ name: String) throws(StoreError) -> Bool {
        guard name.utf8.count == 2, name.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
            return false
        }
        return try isFolder("objects/\(name)")
    }

    private func isFolder(_ path: String) throws(StoreError) -> Bool {
        guard let status = try Disc.status(absolutePath(of: path), following: false) else { return false }
        return status.st_mode & S_IFMT == S_IFDIR
    }

    /// A folder's entries, sorted; none for a folder that nobody has made yet.
    func entries(_ path: String) throws(StoreError) -> [String] {
        var names: [String] = []
        do throws(StoreError) {
            names = try presence.reading { () throws(StoreError) in try Disc.entries(absolutePath(of: path)) }
        } catch {
            guard error.code == .missing else { throw error }
        }
        // What lies in a mount point is not what lies in the store.
        try presence.confirm()
        return names
    }
}
