// Folders of a store that several users share.

import Files
import Foundation

/// Who may write to the folders of a store.
enum FolderMode {
    /// Gives a new folder what the store's root gives its group: to write, and that folders within belong to it too.
    ///
    /// The process's umask takes the group's right away otherwise, and the next user's worker could store nothing there.
    static func share(_ path: String, as root: String) throws(StoreError) {
        let folder: Folder
        do { folder = try Folder(path: path) } catch { throw .noFolder(error) }
        var (above, own) = (stat(), stat())
        guard stat(root, &above) == 0 else { throw .system("look at", root) }
        guard fstat(folder.descriptor, &own) == 0 else { throw .system("look at", path) }
        let wanted = own.st_mode | (above.st_mode & (S_IWGRP | S_ISGID))
        guard wanted != own.st_mode else { return }
        if fchmod(folder.descriptor, wanted & 0o7777) == 0 { return }
        // Some file systems have no modes; whoever cannot write there will be told which folder it is.
        guard [EPERM, ENOTSUP, ENOSYS].contains(errno) else { throw .system("set the mode of the folder", path) }
    }

    /// Which folder keeps a user from writing at `path`, and who may; begins with a semicolon.
    static func explanation(ofFolderAbove path: String) -> String {
        var folder = path
        while let slash = folder.lastIndex(of: "/"), slash > folder.startIndex {
            folder = String(folder[..<slash])
            var status = stat()
            guard lstat(folder, &status) == 0 else { continue }
            let mode = String(status.st_mode & 0o7777, radix: 8)
            return "; the folder \(folder) has mode \(mode), user \(status.st_uid), group \(status.st_gid)"
        }
        return ""
    }
}
