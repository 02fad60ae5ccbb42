// The few file system calls of the store, each with its failure as a StoreError.

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
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("fsync", path) }
    }

    /// Moves a file within the file system, over what is there.
    static func move(_ from: String, _ onto: String) throws(StoreError) {
        guard rename(from, onto) == 0 else { throw .system("rename \(from) to", onto) }
    }

    /// Makes a folder unless it is there, and makes its entry in its parent durable either way.
    static func makeFolder(_ path: String) throws(StoreError) {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw .system("create the folder", path) }
        let parent = path.split(separator: "/").dropLast().joined(separator: "/")
        try sync("/" + parent)
    }

    /// Runs `body` while the folder is locked against those who lock it otherwise; the kernel unlocks it when we die.
    static func locked<Value>(
        _ folder: String, exclusively: Bool, _ body: () throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", folder) }
        defer { close(descriptor) }
        while flock(descriptor, exclusively ? LOCK_EX : LOCK_SH) != 0 {
            // File systems without locks leave the age check alone, whose window is microseconds.
            if errno == ENOTSUP || errno == ENOSYS || errno == ENOLCK || errno == EBADF { break }
            guard errno == EINTR else { throw .system("lock", folder) }
        }
        return try body()
    }

    /// Sets a file's time of writing to now.
    static func touch(_ path: String) throws(StoreError) {
        guard utimensat(AT_FDCWD, path, nil, 0) == 0 else { throw .system("set the time of", path) }
    }

    /// A file's size in bytes; `nil` when nothing is there.
    static func size(_ path: String) throws(StoreError) -> Int? { try status(path).map { Int($0.st_size) } }

    /// What the system knows of a path; `nil` when nothing is there.
    /// - Parameter following: whether a symbolic link stands for what it points to.
    static func status(_ path: String, following: Bool = true) throws(StoreError) -> stat? {
        var status = stat()
        if (following ? stat(path, &status) : lstat(path, &status)) == 0 { return status }
        guard errno == ENOENT || errno == ENOTDIR else { throw .reading("look at", path) }
        return nil
    }

    /// A file's bytes, all of them.
    static func read(_ path: String) throws(StoreError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .reading("open", path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .reading("look at", path) }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                Foundation.read(descriptor, $0.baseAddress! + done, $0.count - done)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .reading("read", path) }
            if count == 0 { break }
            done += count
        }
        return Array(bytes[..<done])
    }

    /// A folder's entries, sorted.
    static func entries(_ path: String) throws(StoreError) -> [String] {
        guard let folder = opendir(path) else { throw .reading("list", path) }
        defer { closedir(folder) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw .reading("list", path) }
        return names.sorted()
    }
}
