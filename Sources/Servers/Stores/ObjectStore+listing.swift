// What lies in the object directory, folder by folder: its own files, and others.

import Digests
import Files
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
        for entry in try entries("objects") where isObjectFolder(entry) { folders.append(entry.name) }
        return folders
    }

    /// Lists one folder below `objects/`.
    /// - Parameter age: how long ago a file must have been written or put at least, by this host's clock.
    public func list(objectFolder folder: String, olderThan age: Duration = .zero) throws(StoreError) -> ObjectFolder {
        var listed = ObjectFolder()
        guard let open = try existingFolder("objects/\(folder)") else { return listed }
        for entry in try entries(of: open) {
            let path = "objects/\(folder)/\(entry.name)"
            let parts = entry.name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            guard entry.kind == .file, parts.count == 2,
                let digest = SHA256Digest(hex: folder + parts[0]),
                try self.path(of: digest, extension: String(parts[1])) == path
            else {
                listed.foreign.append(path)
                continue
            }
            guard let status = try status(of: entry.name, in: open) else { continue }
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
        for entry in try entries("shards") where entry.kind == .folder { folders.append(entry.name) }
        return folders
    }

    /// The files of one job below `shards/`, each with its shard's number where its name is one that
    /// ``path(ofShard:number:)`` gives.
    public func shardFiles(ofJob job: String) throws(StoreError) -> [(number: Int?, path: String)] {
        var files: [(number: Int?, path: String)] = []
        for entry in try entries("shards/\(job)") {
            let path = "shards/\(job)/\(entry.name)"
            files.append((entry.kind == .file ? try number(ofArchive: path, of: job) : nil, path))
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

    /// What no store has put directly into `objects/`, `shards/` and `tmp/`, and what stands there instead of one of these
    /// folders: paths relative to the root.
    public func foreignEntries() throws(StoreError) -> [String] {
        var foreign: [String] = []
        for folder in ["objects", "shards", "tmp"] {
            if let status = try Disc.status(absolutePath(of: folder)), EntryKind(status) != .folder {
                foreign.append(folder)
            }
        }
        for entry in try entries("objects") where !isObjectFolder(entry) { foreign.append("objects/\(entry.name)") }
        for entry in try entries("shards") where entry.kind != .folder { foreign.append("shards/\(entry.name)") }
        for entry in try entries("tmp") where entry.kind != .file || !TemporaryName.isOne(entry.name) {
            foreign.append("tmp/\(entry.name)")
        }
        return foreign
    }

    private func isObjectFolder(_ entry: Folder.Entry) -> Bool {
        entry.kind == .folder && entry.name.utf8.count == 2
            && entry.name.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    /// A folder's entries, sorted; none for a folder that nobody has made yet, and for what is no folder.
    func entries(_ path: String) throws(StoreError) -> [Folder.Entry] {
        guard let folder = try existingFolder(path) else { return [] }
        return try entries(of: folder)
    }

    /// Whether the folder of all objects is there.
    public func hasObjects() throws(StoreError) -> Bool { try existingFolder("objects") != nil }

    /// Opens a folder of the store, whatever was mounted or unmounted meanwhile.
    func existingFolder(_ path: String) throws(StoreError) -> Folder? {
        let folder = try presence.looking { () throws(StoreError) in try openFolder(path) }
        // What lies in a mount point is not what lies in the store.
        try presence.confirm()
        return folder
    }

    func entries(of folder: Folder) throws(StoreError) -> [Folder.Entry] {
        do { return try folder.entries() } catch { throw .reading(error.action, error.path, number: error.number) }
    }

    /// What the system knows of an entry of an open folder; `nil` when nothing is there.
    func status(of name: String, in folder: Folder) throws(StoreError) -> stat? {
        do { return try folder.status(of: name) } catch {
            throw .reading(error.action, error.path, number: error.number)
        }
    }

    /// Opens a folder below the root step by step, following nothing; `nil` when a step is missing or no folder.
    func openFolder(_ path: String) throws(StoreError) -> Folder? {
        do throws(FileFailure) {
            var folder = try Folder(path: root, following: true)
            for step in path.split(separator: "/") { folder = try folder.folder(String(step)) }
            return folder
        } catch {
            guard error.kind == .missing || error.kind == .unexpected else {
                throw .reading(error.action, error.path, number: error.number)
            }
            return nil
        }
    }
}
