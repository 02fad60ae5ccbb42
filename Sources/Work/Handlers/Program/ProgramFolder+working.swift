// The working folders of programs: made among the system's temporary files, and swept when their workers are gone.

import Files
import Foundation
import Logging

extension ProgramFolder {
    private static let prefix = "detdiffusion-program-"
    /// How long removing all of them may take before a worker starts.
    private static let sweepLimit = Duration.seconds(60)
    private static var parent: String { FileManager.default.temporaryDirectory.path }

    /// Makes a program's working folder, named after this process.
    ///
    /// It stays locked for as long as the object, and at most this process, lives: ``sweep(logger:)`` takes folders that
    /// nobody has locked. Where folders cannot be locked (NFS), none is ever swept.
    static func working(report: @escaping @Sendable (String) -> Void) throws(ProgramError) -> ProgramFolder {
        while true {
            let name = "\(prefix)\(getpid())-\(UUID().uuidString.lowercased())"
            let folder = try ProgramFolder(in: parent, name: name, report: report)
            if folder.lock() { return folder }
        }
    }

    /// - Returns: false when another worker swept it in the moment before.
    private func lock() -> Bool {
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else { return false }
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 && status.st_nlink > 0
    }

    /// Removes the working folders of this user's programs whose workers are gone.
    ///
    /// A killed worker's program sees the end of its standard input, and may still be at its last batch: what it writes
    /// then goes nowhere. (A signal at the parent's death would reach it at once, but `posix_spawn` cannot ask for it,
    /// and it comes with the death of a thread, not of the process.)
    static func sweep(logger: Logger) {
        let deadline = ContinuousClock.now + sweepLimit
        do {
            for name in try FileManager.default.contentsOfDirectory(atPath: parent) where name.hasPrefix(prefix) {
                removeIfForsaken("\(parent)/\(name)", deadline: deadline, logger: logger)
            }
        } catch {
            logger.warning(
                "Folders of programs cannot be looked for", metadata: ["error": "\(error.localizedDescription)"])
        }
    }

    private static func removeIfForsaken(_ path: String, deadline: ContinuousClock.Instant, logger: Logger) {
        let folder = unsafe open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard folder >= 0 else { return }  // A link, a file, another user's, or gone by now: not ours to remove.
        defer { close(folder) }
        var status = stat()
        guard unsafe fstat(folder, &status) == 0, status.st_uid == geteuid(), flock(folder, LOCK_EX | LOCK_NB) == 0
        else { return }
        do throws(FileFailure) {
            try remove(folder, path: path, deadline: deadline)
            logger.info("Removed the folder of a program whose worker is gone", metadata: ["path": "\(path)"])
        } catch {
            // The next start tries again.
            logger.warning(
                "A program's folder is left behind",
                metadata: ["path": "\(error.path)", "error": "cannot \(error.action) it (\(error.reason))"])
        }
    }
}
