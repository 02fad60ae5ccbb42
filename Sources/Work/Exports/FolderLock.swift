// One export at a time in a folder.

import Files
import Foundation

/// The work folder of an export, held by a lock that ends with the process.
final class FolderLock {
    /// The open folder.
    let folder: Folder
    /// What is in a work folder: it says that the folder is an export's own.
    private static let mark = "detdiffusion"

    /// Makes the folder of this name in the export's destination, or takes over one that a killed export left,
    /// and locks it.
    ///
    /// Throws ``ExportError`` with code `destination` when it is somebody else's folder, or no folder at all, or another
    /// run holds it.
    init(_ name: String, in destination: Folder) throws(ExportError) {
        folder = try Self.lock(name, in: destination)
        try claim()
    }

    private static func lock(_ name: String, in destination: Folder) throws(ExportError) -> Folder {
        while true {
            // The run that held it may remove it between any two of these calls.
            guard let folder = try open(name, in: destination) else { continue }
            guard flock(folder.descriptor, LOCK_EX | LOCK_NB) == 0 else {
                throw ExportError(
                    .destination, "cannot export to \(destination.path): another export writes there now; wait for it")
            }
            var held = stat()
            let there = try ExportFolder.filing { () throws(FileFailure) in try destination.status(of: name) }
            if fstat(folder.descriptor, &held) == 0, let there, held.st_ino == there.st_ino, held.st_dev == there.st_dev
            {
                return folder
            }
        }
    }

    /// - Returns: `nil` when it was removed as soon as it was found.
    private static func open(_ name: String, in destination: Folder) throws(ExportError) -> Folder? {
        do throws(FileFailure) {
            if try destination.kind(of: name) == nil { return try destination.makeFolder(name) }
            return try destination.folder(name)
        } catch {
            // Removed, or made by another run, since it was looked for.
            if error.kind == .missing || error.number == EEXIST { return nil }
            throw .system(error)
        }
    }

    /// Marks an empty folder as an export's own, and refuses one that holds something and no mark.
    private func claim() throws(ExportError) {
        let entries = try ExportFolder.filing { () throws(FileFailure) in try folder.entries() }
        if entries.contains(where: { $0.name == Self.mark && $0.kind == .file }) { return }
        if let first = entries.first {
            throw ExportError(
                .destination,
                "cannot export there: expected \(folder.path) to be what an export left, found '\(first.name)' in it; move"
                    + " it away")
        }
        try OutputFile.write([], as: Self.mark, in: folder)
    }
}
