// Bringing everything that was written to a file system onto its disc.

import CFiles
import Foundation

/// Syncs file systems as a whole: one call for the thousands of files of an export, where each by itself would take a
/// disc sync.
public enum FileSystemSync {
    /// Returns when everything written to the file system of `descriptor` is on its disc; other file systems
    /// are left alone.
    /// - Parameter path: where the descriptor points, for the error.
    public static func sync(_ descriptor: Int32, path: String) throws(FileFailure) {
        guard detdiffusion_syncfs(descriptor) == 0 else { throw FileFailure("sync the file system of", path) }
    }
}
