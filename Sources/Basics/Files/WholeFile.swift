// Output files that a user names: written as a whole, whatever stands at the path.

import Foundation

/// Writes a file that a user named.
public enum WholeFile {
    /// Writes `bytes` to `path`: a file there is replaced at once or not at all, a link stays and what it points to is
    /// written, and a device or a pipe is written into, never replaced.
    ///
    /// Throws ``FileFailure`` for what cannot be written, a folder among it.
    public static func write(_ bytes: [UInt8], to path: String) throws(FileFailure) {
        var there = stat()
        guard stat(path, &there) == 0 else {
            guard errno == ENOENT else { throw FileFailure("write", path) }
            var link = stat()
            // A link to something that is not there yet: what it points to is made.
            guard lstat(path, &link) == 0 else { return try replace(path, with: bytes, mode: 0o644) }
            return try writeInto(path, bytes, flags: O_CREAT | O_TRUNC)
        }
        switch there.st_mode & S_IFMT {
        case S_IFREG: try replace(resolved(path), with: bytes, mode: there.st_mode & 0o777)
        case S_IFDIR: throw FileFailure("write", path, number: EISDIR)
        default: try writeInto(path, bytes, flags: 0)
        }
    }

    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private static func replace(_ path: String, with bytes: [UInt8], mode: mode_t) throws(FileFailure) {
        let url = URL(fileURLWithPath: path)
        let folder = url.deletingLastPathComponent().path
        let temporary = "\(folder)/.\(url.lastPathComponent.prefix(100)).\(UInt64.random(in: .min ... .max))"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard file >= 0 else { throw FileFailure("write", path) }
        do throws(FileFailure) {
            try finish(bytes, file, path, syncing: true)
            guard rename(temporary, path) == 0 else { throw FileFailure("write", path) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private static func writeInto(_ path: String, _ bytes: [UInt8], flags: Int32) throws(FileFailure) {
        let file = open(path, O_WRONLY | O_CLOEXEC | flags, 0o644)
        guard file >= 0 else { throw FileFailure("write", path) }
        try finish(bytes, file, path, syncing: false)
    }

    /// Writes everything to an open file and closes it, whatever happens.
    private static func finish(
        _ bytes: [UInt8], _ file: Int32, _ path: String, syncing: Bool
    ) throws(FileFailure) {
        do throws(FileFailure) {
            try BufferedFile.writeAll(bytes, to: file, path)
            guard !syncing || fsync(file) == 0 else { throw FileFailure("write", path) }
        } catch {
            close(file)
            throw error
        }
        // Network file systems report a full quota only here.
        guard close(file) == 0 else { throw FileFailure("write", path) }
    }
}
