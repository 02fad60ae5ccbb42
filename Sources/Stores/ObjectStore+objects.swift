// Objects: putting, reading, checking, listing, removing.

public import Digests
import Failpoints
import Foundation

extension ObjectStore {
    /// Keeps the bytes under their digest; durable when it returns.
    ///
    /// Bytes that are there already, by their digest and size, are not written again. Failpoints: `store.full` (as a
    /// full disc) before writing, `store.after-write` between fsync and rename, `store.after-rename`.
    public func put(_ bytes: [UInt8], extension: String) throws(StoreError) -> StoredObject {
        try put([bytes], extension: `extension`)[0]
    }

    /// Keeps several objects at once; all are durable when it returns, in the order given.
    ///
    /// Everything is written first, then each file is fsynced and renamed, then each folder fsynced once. Where it
    /// throws, some may be kept and none is promised; nothing stays in `tmp/`.
    public func put(_ items: [[UInt8]], extension: String) throws(StoreError) -> [StoredObject] {
        var objects: [StoredObject] = []
        for bytes in items {
            let digest = SHA256.digest(of: bytes)
            objects.append(
                StoredObject(digest: digest, size: bytes.count, path: try path(of: digest, extension: `extension`)))
        }
        var written: [(temporary: String, path: String)] = []
        do throws(StoreError) {
            var pathsHere: Set<String> = []
            for (object, bytes) in zip(objects, items) where pathsHere.insert(object.path).inserted {
                if try Disc.size(absolutePath(of: object.path)) == object.size { continue }
                let temporary = temporaryPath()
                do { try Failpoint.check("store.full") } catch { throw .system("write", temporary, number: ENOSPC) }
                try Disc.create(temporary, bytes)
                written.append((temporary, object.path))
            }
            for file in written { try Disc.sync(file.temporary) }
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
        try syncFolders(of: objects)
        return objects
    }

    /// Also for objects that were there: whoever renamed them may not have come to this step yet.
    private func syncFolders(of objects: [StoredObject]) throws(StoreError) {
        for object in objects { try makeFolder(of: object.path) }
        for folder in Set(objects.map { folder(of: $0.path) }).sorted() { try Disc.sync(absolutePath(of: folder)) }
    }

    /// The object's bytes, checked against their digest.
    ///
    /// Throws `.missing` when it is not there and `.corrupt` when its bytes are others.
    public func read(_ digest: SHA256Digest, extension: String) throws(StoreError) -> [UInt8] {
        let relativePath = try path(of: digest, extension: `extension`)
        let bytes = try Disc.read(absolutePath(of: relativePath))
        let found = SHA256.digest(of: bytes)
        guard found == digest else { throw corrupt(relativePath, expected: digest, found: found) }
        return bytes
    }

    /// True when a file is there under this digest; its bytes are not looked at.
    public func contains(_ digest: SHA256Digest, extension: String) throws(StoreError) -> Bool {
        try Disc.size(absolutePath(of: path(of: digest, extension: `extension`))) != nil
    }

    /// Removes the object; false when it was not there.
    @discardableResult
    public func remove(_ digest: SHA256Digest, extension: String) throws(StoreError) -> Bool {
        let file = absolutePath(of: try path(of: digest, extension: `extension`))
        if unlink(file) == 0 { return true }
        guard errno == ENOENT else { throw .system("remove", file) }
        return false
    }

    /// Checks that a file of the store, object or shard, has this digest, reading it in pieces.
    ///
    /// Throws `.missing` or `.corrupt`.
    public func verify(_ relativePath: String, digest: SHA256Digest) throws(StoreError) {
        let file = absolutePath(of: relativePath)
        let found: SHA256Digest
        do {
            found = try SHA256.digest(ofFileAt: file)
        } catch {
            throw .system("hash", file, number: error.errorNumber)
        }
        guard found == digest else { throw corrupt(relativePath, expected: digest, found: found) }
    }

    private func corrupt(_ path: String, expected: SHA256Digest, found: SHA256Digest) -> StoreError {
        StoreError(
            .corrupt,
            "cannot use \(absolutePath(of: path)): expected SHA-256 \(expected), found \(found); the file is damaged:"
                + " remove it and make it again")
    }

    /// Hands every object to `body`, folder by folder in the order of their digests, until it returns false.
    ///
    /// Objects put or removed meanwhile may be seen or not; files whose names are no object's are passed over. Throws
    /// what `body` throws as it is.
    public func forEachObject(_ body: (StoredObject) throws -> Bool) throws {
        for folder in try Disc.entries("\(root)/objects") where folder.utf8.count == 2 {
            for name in try Disc.entries("\(root)/objects/\(folder)") {
                let path = "objects/\(folder)/\(name)"
                guard let digest = SHA256Digest(hex: folder + name.prefix { $0 != "." }),
                    let size = try Disc.size(absolutePath(of: path))
                else { continue }
                guard try body(StoredObject(digest: digest, size: size, path: path)) else { return }
            }
        }
    }

    /// Every object, in the order of their digests; see ``forEachObject(_:)`` for stores that do not fit in memory.
    public func allObjects() throws -> [StoredObject] {
        var objects: [StoredObject] = []
        try forEachObject { object in
            objects.append(object)
            return true
        }
        return objects
    }
}
