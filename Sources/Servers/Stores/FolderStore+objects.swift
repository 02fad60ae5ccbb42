// A folder's objects: written, synced, renamed; and removed by their age.

import Digests
import Failpoints
import Files
import Foundation

extension FolderStore {
    /// Everything is written first, then all files are fsynced side by side, renamed, and their folders fsynced; where it
    /// throws, nothing stays in `tmp/`. Failpoints: `store.full` (as a full disc) before writing, `store.after-write`
    /// between fsync and rename, `store.after-rename`.
    func put(_ items: [[UInt8]], extension: String) throws(StoreError) -> [StoredObject] {
        var objects: [StoredObject] = []
        for bytes in items {
            objects.append(
                StoredObject(
                    name: try ObjectName(SHA256.digest(of: bytes), extension: `extension`), size: bytes.count))
        }
        try presence.guarding { () throws(StoreError) in
            try write(items, as: objects)
            try syncFolders(of: objects)
        }
        return objects
    }

    private func write(_ items: [[UInt8]], as objects: [StoredObject]) throws(StoreError) {
        var written: [(temporary: String, key: String)] = []
        do throws(StoreError) {
            var namesHere: Set<ObjectName> = []
            for (object, bytes) in zip(objects, items) where namesHere.insert(object.name).inserted {
                if try refresh(object, bytes) { continue }
                let temporary = ownScratch.newFile().path
                do { try Failpoint.check("store.full") } catch { throw .system("write", temporary, number: ENOSPC) }
                try Disc.create(temporary, bytes)
                written.append((temporary, object.name.key))
            }
            try Disc.sync(written.map(\.temporary))
            while let file = written.first {
                Failpoint.hit("store.after-write")
                try move(file.temporary, to: file.key)
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
        let file = absolutePath(of: object.name.key)
        guard try Disc.size(file) == object.size else { return false }
        let folder = absolutePath(of: folder(of: object.name.key))
        return try Disc.locked(folder, exclusively: false) { () throws(StoreError) in
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
        for object in objects { try makeFolder(of: object.name.key) }
        try Disc.sync(Set(objects.map { absolutePath(of: folder(of: $0.name.key)) }).sorted())
    }

    func remove(_ name: StoreName, olderThan age: Duration) throws(StoreError) -> Bool {
        try presence.confirm()
        guard let folder = try openFolder(folder(of: name.key)) else { return false }
        try Disc.lock(folder.descriptor, folder.path, exclusively: true)
        let last = String(name.key.split(separator: "/").last ?? "")
        guard let status = try Self.status(of: last, in: folder), EntryKind(status) == .file,
            Self.age(of: status) > age
        else {
            return false
        }
        return try Self.remove(last, from: folder)
    }

    static func remove(_ name: String, from folder: Folder) throws(StoreError) -> Bool {
        do { return try folder.remove(name) } catch { throw .system(error.action, error.path, number: error.number) }
    }

    /// How long ago a file was last written or put, by this host's clock.
    static func age(of status: stat) -> Duration {
        let written = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) * 1e-9
        return .seconds(Date().timeIntervalSince1970 - written)
    }
}
