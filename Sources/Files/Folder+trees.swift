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
    public func removeContents() throws(FileFailure) {
        let device = try device()
        var raised = 0
        while case let entries = try entries(), !entries.isEmpty {
            for entry in entries {
                guard entry.kind == .folder else {
                    try remove(entry.name)
                    continue
                }
                let inner = try folder(entry.name)
                guard try inner.device() == device else {
                    throw FileFailure("remove the folder", inner.path, number: EXDEV)
                }
                for below in try inner.entries() {
                    guard below.kind == .folder else {
                        try inner.remove(below.name)
                        continue
                    }
                    // Emptied in the next round.
                    while try kind(of: Self.raisedName(raised)) != nil { raised += 1 }
                    try inner.move(below.name, to: self, as: Self.raisedName(raised))
                    raised += 1
                }
                try removeFolder(entry.name)
            }
        }
    }

    private static func raisedName(_ number: Int) -> String { "detdiffusion-removed-\(number)" }

    private func device() throws(FileFailure) -> dev_t {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileFailure("look at", path) }
        return status.st_dev
    }
}
