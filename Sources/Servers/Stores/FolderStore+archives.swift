// A folder's archives: giving finished files their name, and removing what crashes left under tmp/.

import Digests
import Failpoints
import Files
import Foundation

extension FolderStore {
    /// Fsync, rename over what is there, fsync of the folder; a file on another file system is copied and fsynced first.
    ///
    /// Failpoints: `store.before-commit` between fsync and rename, `store.after-commit` between rename and the folder's
    /// fsync.
    func publish(_ file: ScratchFile, as name: ArchiveName, digest: SHA256Digest) throws(StoreError) {
        try presence.guarding { () throws(StoreError) in
            try Disc.sync(file.path)
            Failpoint.hit("store.before-commit")
            do throws(StoreError) {
                try move(file.path, to: name.key)
            } catch  where error.code == .other(EXDEV) {
                try moveCopy(of: file, to: name.key, digest: digest)
            }
            Failpoint.hit("store.after-commit")
            try Disc.sync(absolutePath(of: folder(of: name.key)))
        }
    }

    private func moveCopy(of file: ScratchFile, to key: String, digest: SHA256Digest) throws(StoreError) {
        let copy = ownScratch.newFile().path
        do throws(StoreError) {
            try write(copy, of: file, digest: digest)
            try move(copy, to: key)
        } catch {
            unlink(copy)
            throw error
        }
        guard unlink(file.path) == 0 else { throw .system("remove", file.path) }
    }

    private func write(_ copy: String, of file: ScratchFile, digest: SHA256Digest) throws(StoreError) {
        let source = try Disc.regularFile(file.path, size: nil)
        var hasher = SHA256Hasher()
        do throws(FileFailure) {
            let target = try BufferedFile(path: copy, replacing: false, capacity: 1 << 20)
            try source.forEachPiece(mapping: { $0 }) { piece throws(FileFailure) in
                hasher.update(piece)
                try target.append(Array(piece))
            }
            try target.finish(syncing: true)
        } catch {
            throw .system(error.action, error.path, number: error.number)
        }
        let found = hasher.finalize()
        guard found == digest else {
            throw StoreError(
                .corrupt, "cannot copy \(file.path) to \(copy): expected SHA-256 \(digest), found \(found)",
                fix: "look at the disc that it lies on")
        }
    }

    func removeAbandoned(
        olderThan age: Duration, removing: Bool
    ) throws(StoreError) -> (count: Int, bytes: Int) {
        guard let folder = try existingFolder("tmp") else { return (0, 0) }
        return try ScratchFolder.removeStale(in: folder, olderThan: age) { () throws(StoreError) in
            if removing { try presence.confirm() }
            return removing
        }
    }
}
