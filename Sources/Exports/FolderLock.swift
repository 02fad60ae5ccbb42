// One export at a time in a folder.

import Foundation

/// The work folder of an export, held by a lock that ends with the process.
final class FolderLock {
    /// The open folder.
    let descriptor: Int32
    /// What is in a work folder: it says that the folder is an export's own.
    private static let mark = "detdiffusion"

    /// Makes the folder at `path`, or takes over one that a killed export left, and locks it.
    ///
    /// Throws ``ExportError`` with code `destination` when it is somebody else's folder, or no folder at all, or another
    /// run holds it.
    /// - Parameter destination: the export's folder, for messages.
    init(_ path: String, naming destination: String) throws(ExportError) {
        descriptor = try Self.lock(path, naming: destination)
        // From here on the descriptor is closed by deinit, whatever is thrown.
        try claim(path)
    }

    private static func lock(_ path: String, naming destination: String) throws(ExportError) -> Int32 {
        while true {
            if mkdir(path, 0o755) != 0, errno != EEXIST { throw .system("create the folder", path) }
            let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            // The run that held it may have removed it between the two calls.
            if descriptor < 0, errno == ENOENT { continue }
            guard descriptor >= 0 else { throw .system("open the folder", path) }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                close(descriptor)
                throw ExportError(
                    .destination, "cannot export to \(destination): another export writes there now; wait for it")
            }
            var (held, there) = (stat(), stat())
            if fstat(descriptor, &held) == 0, lstat(path, &there) == 0, held.st_ino == there.st_ino {
                return descriptor
            }
            close(descriptor)
        }
    }

    deinit { close(descriptor) }

    /// Marks an empty folder as an export's own, and refuses one that holds something and no mark.
    private func claim(_ path: String) throws(ExportError) {
        guard faccessat(descriptor, Self.mark, F_OK, 0) != 0 else { return }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        guard names.isEmpty else {
            throw ExportError(
                .destination,
                "cannot export there: expected \(path) to be what an export left, found '\(names[0])' in it; move it away"
            )
        }
        let file = openat(descriptor, Self.mark, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw .system("create", "\(path)/\(Self.mark)") }
        close(file)
    }
}
