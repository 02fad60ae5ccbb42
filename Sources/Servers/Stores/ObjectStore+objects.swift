// Objects: putting, reading, checking, listing, removing.

public import Digests
import Failpoints
import Files
import Foundation

extension ObjectStore {
    /// Keeps the bytes under their digest; durable when it returns.
    ///
    /// Bytes that are there already are not written again, but count as new for ``removeObject(_:olderThan:)``; a
    /// damaged file under their name is replaced. Failpoints: `store.full` (as a full disc) before writing,
    /// `store.after-write` between fsync and rename, `store.after-rename`.
    public func put(_ bytes: [UInt8], extension: String) throws(StoreError) -> StoredObject {
        try put([bytes], extension: `extension`)[0]
    }

    /// Keeps several objects at once; all are durable when it returns, in the order given.
    ///
    /// Everything is written first, then all files are fsynced side by side, renamed, and their folders fsynced. Where it
    /// throws, some may be kept and none is promised; nothing stays in `tmp/`.
    public func put(_ items: [[UInt8]], extension: String) throws(StoreError) -> [StoredObject] {
        var objects: [StoredObject] = []
        for bytes in items {
            let digest = SHA256.digest(of: bytes)
            objects.append(
                StoredObject(digest: digest, size: bytes.count, path: try path(of: digest, extension: `extension`)))
        }
        try presence.guarding { () throws(StoreError) in
            try write(items, as: objects)
            try syncFolders(of: objects)
        }
        return objects
    }

    private func write(_ items: [[UInt8]], as objects: [StoredObject]) throws(StoreError) {
        var written: [(temporary: String, path: String)] = []
        do throws(StoreError) {
            var pathsHere: Set<String> = []
            for (object, bytes) in zip(objects, items) where pathsHere.insert(object.path).inserted {
                if try refresh(object, bytes) { continue }
                let temporary = temporaryPath()
                do { try Failpoint.check("store.full") } catch { throw .system("write", temporary, number: ENOSPC) }
                try Disc.create(temporary, bytes)
                written.append((temporary, object.path))
            }
            try Disc.sync(written.map(\.temporary))
            while let file = written.first {
                Failpoint.hit("store.after-write")
                try move(file.temporary, to: file.path)
                written.removeFirst()
                Failpoint.hit("store.after-rename")
            }
        } catch {
            for file in written { unlink(file.temporary) }
            throw error
        }
    }

    /// Makes an object that is there with these bytes as young as one written now; false when it must be written.
    ///
    /// Garbage collection looks at the age under the same lock, so it cannot take the object away in between.
    private func refresh(_ object: StoredObject, _ bytes: [UInt8]) throws(StoreError) -> Bool {
        let file = absolutePath(of: object.path)
        guard try Disc.size(file) == object.size else { return false }
        return try Disc.locked(absolutePath(of: folder(of: object.path)), exclusively: false) { () throws(StoreError) in
            do throws(StoreError) {
                guard try Disc.read(file, size: object.size, limit: .max) == bytes else { return false }
                return try Disc.touch(file)
            } catch  where error.code == .missing || error.code == .corrupt {
                return false
            }
        }
    }

    /// Also for objects that were there: whoever renamed them may not have come to this step yet.
    private func syncFolders(of objects: [StoredObject]) throws(StoreError) {
        for object in objects { try makeFolder(of: object.path) }
        try Disc.sync(Set(objects.map { absolutePath(of: folder(of: $0.path)) }).sorted())
    }

    /// The largest object that is read into memory, in bytes; as large as an archive's largest member.
    public static let objectLimit = 128 << 20

    /// The object's bytes, checked against their digest.
    ///
    /// Throws `.missing` when it is not there, and `.corrupt` when its bytes are others, when it is no regular file of this
    /// size, or when it is larger than ``objectLimit``.
    /// - Parameter size: its bytes, as they were recorded.
    public func read(_ digest: SHA256Digest, size: Int, extension: String) throws(StoreError) -> [UInt8] {
        let relativePath = try path(of: digest, extension: `extension`)
        let bytes = try presence.reading { () throws(StoreError) in
            try Disc.read(absolutePath(of: relativePath), size: size, limit: Self.objectLimit)
        }
        let found = SHA256.digest(of: bytes)
        guard found == digest else { throw corrupt(relativePath, expected: digest, found: found) }
        return bytes
    }

    /// True when a file is there under this digest; its bytes are not looked at.
    public func contains(_ digest: SHA256Digest, extension: String) throws(StoreError) -> Bool {
        try size(of: path(of: digest, extension: `extension`)) != nil
    }

    /// Removes the object; false when it was not there.
    @discardableResult
    public func remove(_ digest: SHA256Digest, extension: String) throws(StoreError) -> Bool {
        let relativePath = try path(of: digest, extension: `extension`)
        try presence.confirm()
        guard let folder = try openFolder(folder(of: relativePath)) else { return false }
        return try remove(name(of: relativePath), from: folder)
    }

    func remove(_ name: String, from folder: Folder) throws(StoreError) -> Bool {
        do { return try folder.remove(name) } catch { throw .system(error.action, error.path, number: error.number) }
    }

    /// Removes a file of `objects/` or `shards/` that was last written longer ago than `age`; false when it is younger
    /// or not there. An object that somebody puts at the same time stays, or is written again by its putter.
    public func remove(_ relativePath: String, olderThan age: Duration) throws(StoreError) -> Bool {
        try presence.confirm()
        guard let folder = try openFolder(folder(of: relativePath)) else { return false }
        try Disc.lock(folder.descriptor, folder.path, exclusively: true)
        let name = name(of: relativePath)
        guard let status = try status(of: name, in: folder), EntryKind(status) == .file, Self.age(of: status) > age
        else {
            return false
        }
        return try remove(name, from: folder)
    }

    /// How long ago a file was last written or put, by this host's clock; `nil` when it is not there.
    public func age(of relativePath: String) throws(StoreError) -> Duration? {
        let status = try presence.looking { () throws(StoreError) in try Disc.status(absolutePath(of: relativePath)) }
        return status.map(Self.age(of:))
    }

    static func age(of status: stat) -> Duration {
        let written = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) * 1e-9
        return .seconds(Date().timeIntervalSince1970 - written)
    }

    /// A file's size in bytes; `nil` when no regular file is there.
    public func size(of relativePath: String) throws(StoreError) -> Int? {
        try presence.looking { () throws(StoreError) in try Disc.size(absolutePath(of: relativePath)) }
    }

    /// What is there in the place of a file, for messages: "none", "12 bytes", "a symbolic link".
    public func description(of relativePath: String) throws(StoreError) -> String {
        let status = try presence.looking { () throws(StoreError) in try Disc.status(absolutePath(of: relativePath)) }
        guard let status else { return "none" }
        let kind = EntryKind(status)
        return kind == .file ? "\(status.st_size) bytes" : "\(kind)"
    }

    /// Checks that a file of the store, object or shard, has this size and digest, reading it in pieces.
    ///
    /// Throws `.missing` or `.corrupt`.
    public func verify(_ relativePath: String, size: Int, digest: SHA256Digest) throws(StoreError) {
        let found = try self.digest(of: relativePath, size: size)
        guard found == digest else { throw corrupt(relativePath, expected: digest, found: found) }
    }

    /// A file's digest, read in pieces.
    ///
    /// Throws `.missing` when it is not there, and `.corrupt` when it is no regular file of this size.
    public func digest(of relativePath: String, size: Int) throws(StoreError) -> SHA256Digest {
        try presence.reading { () throws(StoreError) in
            let file = try Disc.regularFile(absolutePath(of: relativePath), size: size)
            do throws(DigestError) {
                return try SHA256.digest(ofOpenFile: file.descriptor, size: file.size, path: file.path)
            } catch {
                throw .reading("hash", file.path, number: error.errorNumber)
            }
        }
    }

    private func corrupt(_ path: String, expected: SHA256Digest, found: SHA256Digest) -> StoreError {
        StoreError(
            .corrupt,
            "cannot use \(absolutePath(of: path)): expected SHA-256 \(expected), found \(found); the file is damaged:"
                + " remove it and make it again")
    }
}
