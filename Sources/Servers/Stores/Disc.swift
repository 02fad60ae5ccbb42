// The few file system calls of the store, each with its failure as a StoreError.

import Files
import Foundation

/// Durable file operations; all block on the disc.
enum Disc {
    /// A new file with these bytes, not yet synced; the caller removes it when a later step fails.
    static func create(_ path: String, _ bytes: [UInt8]) throws(StoreError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .system("create", path) }
        do throws(StoreError) {
            try writeAll(descriptor, path, bytes)
        } catch {
            close(descriptor)
            unlink(path)
            throw error
        }
        // Network file systems report a full quota only here.
        guard close(descriptor) == 0 else {
            let failure = StoreError.system("close", path)
            unlink(path)
            throw failure
        }
    }

    private static func writeAll(_ descriptor: Int32, _ path: String, _ bytes: [UInt8]) throws(StoreError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + done, bytes.count - done) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .system("write", path) }
            done += count
        }
    }

    /// Brings a file's bytes, or a folder's entries, to the disc.
    static func sync(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("fsync", path) }
    }

    /// Moves a file within the file system, over what is there.
    static func move(_ from: String, _ onto: String) throws(StoreError) {
        guard rename(from, onto) == 0 else { throw .system("rename \(from) to", onto) }
    }

    /// Makes a folder unless it is there, and makes its entry in its parent durable either way.
    ///
    /// A group that may write to the store's root may write to the new folder too; a link in its place is refused.
    static func makeFolder(_ path: String, in root: String) throws(StoreError) {
        if mkdir(path, 0o755) == 0 {
            try FolderMode.share(path, as: root)
        } else {
            guard errno == EEXIST else { throw .system("create the folder", path) }
            if let status = try status(path), status.st_mode & S_IFMT != S_IFDIR {
                throw .noFolder(
                    FileFailure("use the folder", path, expected: "a folder", found: "\(EntryKind(status))"))
            }
        }
        let parent = path.split(separator: "/").dropLast().joined(separator: "/")
        try sync("/" + parent)
    }

    /// Runs `body` while the folder is locked against those who lock it otherwise; the kernel unlocks it when we die.
    static func locked<Value>(
        _ folder: String, exclusively: Bool, _ body: () throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", folder) }
        defer { close(descriptor) }
        try lock(descriptor, folder, exclusively: exclusively)
        return try body()
    }

    /// Locks an open folder until its descriptor is closed.
    static func lock(_ descriptor: Int32, _ folder: String, exclusively: Bool) throws(StoreError) {
        while flock(descriptor, exclusively ? LOCK_EX : LOCK_SH) != 0 {
            // File systems without locks leave the age check alone, whose window is microseconds.
            if errno == ENOTSUP || errno == ENOSYS || errno == ENOLCK || errno == EBADF { break }
            guard errno == EINTR else { throw .system("lock", folder) }
        }
    }

    /// Sets a file's time of writing to now; false for a file of another user, who alone may do that.
    static func touch(_ path: String) throws(StoreError) -> Bool {
        if utimensat(AT_FDCWD, path, nil, AT_SYMLINK_NOFOLLOW) == 0 { return true }
        guard errno == EACCES || errno == EPERM else { throw .system("set the time of", path) }
        return false
    }

    /// A file's size in bytes; `nil` when no regular file is there.
    static func size(_ path: String) throws(StoreError) -> Int? {
        guard let status = try status(path), EntryKind(status) == .file else { return nil }
        return Int(status.st_size)
    }

    /// What the system knows of a path, a link itself where one is there; `nil` when nothing is.
    static func status(_ path: String) throws(StoreError) -> stat? {
        var status = stat()
        if lstat(path, &status) == 0 { return status }
        guard errno == ENOENT || errno == ENOTDIR else { throw .reading("look at", path) }
        return nil
    }

    /// Opens a regular file of this size, or of any, and nothing else; `.corrupt` for whatever else is there.
    static func regularFile(_ path: String, size: Int?) throws(StoreError) -> RegularFile {
        do { return try RegularFile(path: path, size: size) } catch { throw .reading(error) }
    }

    /// A file's bytes, all of them.
    /// - Parameters:
    ///   - size: the bytes that it must have; what the file system says alone is not believed.
    ///   - limit: the most that is taken into memory.
    static func read(_ path: String, size: Int?, limit: Int) throws(StoreError) -> [UInt8] {
        do { return try RegularFile(path: path, size: size).contents(limit: limit) } catch { throw .reading(error) }
    }
}
