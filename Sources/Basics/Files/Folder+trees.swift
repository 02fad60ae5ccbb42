// Removing a folder with all that is in it.

import Foundation

extension Folder {
    /// Removes an entry with all that is in it; nothing happens when nothing is there.
    ///
    /// Links are removed and not followed, and another file system that is mounted below is not entered: the call
    /// throws there. Depth costs neither stack nor descriptors: a folder within is moved up before it is emptied.
    public func removeTree(_ name: String) throws(FileFailure) {
        switch try kind(of: name) {
        case nil: return
        case .folder:
            try folder(name).removeContents()
            try removeFolder(name)
        default: try remove(name)
        }
    }

    /// Removes an empty folder in it; nothing happens when nothing is there.
    public func removeFolder(_ name: String) throws(FileFailure) {
        guard unlinkat(descriptor, name, AT_REMOVEDIR) == 0 || errno == ENOENT else {
            throw FileFailure("remove the folder", path(of: name))
        }
    }

    /// Removes everything in it, as ``removeTree(_:)`` does.
    public func removeContents() throws(FileFailure) { try FolderContents.remove(from: descriptor, path: path) }
}
