// Reading files that somebody else may have put there: nothing is followed, and nothing is waited for.

import Foundation

/// A regular file, open for reading; closed when it goes away.
///
/// A named pipe, a device, a folder or a symbolic link in its place is refused without being read, and so is a file of
/// another size than expected. Calls block on the disc.
public final class RegularFile {
    /// Where it is.
    public let path: String
    /// Open for reading.
    public let descriptor: Int32
    /// Bytes in it when it was opened.
    public let size: Int

    /// Opens the file.
    ///
    /// Throws ``FileFailure``, of kind `unexpected` for whatever else stands there.
    /// - Parameters:
    ///   - size: the bytes that it must have; any if `nil`.
    ///   - following: whether a symbolic link stands for the file that it points to.
    public convenience init(path: String, size: Int? = nil, following: Bool = false) throws(FileFailure) {
        try self.init(at: AT_FDCWD, name: path, path: path, size: size, following: following)
    }

    init(at folder: Int32, name: String, path: String, size: Int?, following: Bool) throws(FileFailure) {
        self.path = path
        // Opening a pipe waits for a writer otherwise.
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (following ? 0 : O_NOFOLLOW)
        descriptor = openat(folder, name, flags)
        guard descriptor >= 0 else { throw Self.refusal(at: folder, name, path) }
        var status = stat()
        // From here on deinit does not run when this throws: not everything is set.
        guard fstat(descriptor, &status) == 0 else {
            let failure = FileFailure("look at", path)
            close(descriptor)
            throw failure
        }
        let kind = EntryKind(status)
        let expected = size.map { "a regular file of \($0) bytes" } ?? "a regular file"
        guard kind == .file, size == nil || Int(status.st_size) == size else {
            close(descriptor)
            throw FileFailure(
                "read", path, expected: expected, found: kind == .file ? "\(status.st_size) bytes" : "\(kind)")
        }
        self.size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// What the open that has just failed means.
    private static func refusal(at folder: Int32, _ name: String, _ path: String) -> FileFailure {
        let failure = FileFailure("open", path)
        guard [ELOOP, ENXIO, ENODEV].contains(failure.number) else { return failure }
        var status = stat()
        // A loop of links further up is an illness of the path, and says nothing about the file.
        guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return failure }
        let kind = EntryKind(status)
        return kind == .file ? failure : FileFailure("read", path, expected: "a regular file", found: "\(kind)")
    }

}

extension RegularFile: ByteReader {
    /// Its path.
    public var place: String { path }

    /// Reads from the disc, until the buffer is full or the file ends.
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileFailure) -> Int {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileFailure("read", path) }
            if count == 0 { break }
            done += count
        }
        return done
    }
}
