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
            try writeAll(bytes, to: file, path)
            guard fsync(file) == 0 || errno == EINVAL else { throw FileFailure("write", path) }
            guard rename(temporary, path) == 0 else { throw FileFailure("write", path) }
            close(file)
        } catch {
            close(file)
            unlink(temporary)
            throw error
        }
    }

    private static func writeInto(_ path: String, _ bytes: [UInt8], flags: Int32) throws(FileFailure) {
        let file = open(path, O_WRONLY | O_CLOEXEC | flags, 0o644)
        guard file >= 0 else { throw FileFailure("write", path) }
        defer { close(file) }
        try writeAll(bytes, to: file, path)
    }

    private static func writeAll(_ bytes: [UInt8], to file: Int32, _ path: String) throws(FileFailure) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Foundation.write(file, $0.baseAddress! + done, bytes.count - done) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileFailure("write", path) }
            done += count
        }
    }
}
