// A file that is written in pieces, collected into larger ones.

import Foundation

/// A file under construction. Calls block on the disc; a file belongs to one thread at a time.
public final class BufferedFile {
    /// Where it is.
    public let path: String
    private let capacity: Int
    private var descriptor: Int32
    private var pending: [UInt8] = []

    /// Creates the file.
    /// - Parameters:
    ///   - replacing: whether a file that is there is emptied; otherwise it is an error.
    ///   - capacity: how many bytes are collected before they are written.
    public init(path: String, replacing: Bool, capacity: Int) throws(FileFailure) {
        self.path = path
        self.capacity = capacity
        descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (replacing ? O_TRUNC : O_EXCL), 0o644)
        guard descriptor >= 0 else { throw FileFailure("create", path) }
    }

    /// Creates the file in a folder; an entry of that name is an error.
    public init(_ name: String, in folder: Folder, capacity: Int) throws(FileFailure) {
        path = folder.path(of: name)
        self.capacity = capacity
        descriptor = openat(folder.descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileFailure("create", path) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Whether ``finish(syncing:)`` has closed it.
    public var isFinished: Bool { descriptor < 0 }

    /// Appends bytes.
    public func append(_ bytes: [UInt8]) throws(FileFailure) {
        precondition(!isFinished, "nothing is appended to a finished file")
        if pending.count + bytes.count > capacity { try flush() }
        if bytes.count >= capacity { return try writeAll(bytes) }
        pending += bytes
    }

    /// Writes what is collected and closes the file.
    /// - Parameter syncing: whether its bytes are on the disc when this returns.
    public func finish(syncing: Bool) throws(FileFailure) {
        precondition(!isFinished, "a file is finished once")
        try flush()
        guard !syncing || fsync(descriptor) == 0 else { throw FileFailure("fsync", path) }
        let finished = descriptor
        descriptor = -1
        // Network file systems report a full quota only here.
        guard close(finished) == 0 else { throw FileFailure("close", path) }
    }

    private func flush() throws(FileFailure) {
        try writeAll(pending)
        pending.removeAll(keepingCapacity: true)
    }

    private func writeAll(_ bytes: [UInt8]) throws(FileFailure) {
        try Self.writeAll(bytes, to: descriptor, path)
    }

    /// Writes all bytes to an open file; `path` is for the failure.
    static func writeAll(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(FileFailure) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + done, bytes.count - done) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileFailure("write", path) }
            done += count
        }
    }
}
