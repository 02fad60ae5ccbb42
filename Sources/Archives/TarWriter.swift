// Writing ustar archives that depend on nothing but their members' names, contents and order.

import Foundation

/// Writes a tar file: the same members in the same order give the same bytes, anywhere and at any time.
///
/// Members are plain files of mode 0644, owner 0 and time 0; the end is two zero blocks, padded to 10,240 bytes. Calls
/// block on the disc. A writer belongs to one thread at a time; one that goes away unfinished leaves a file without
/// end.
public final class TarWriter {
    /// The file being written.
    public let path: String
    /// Bytes appended so far, headers and padding included.
    public private(set) var size = 0

    private var descriptor: Int32
    private var pending: [UInt8] = []
    private var names: Set<String> = []

    /// How much is collected before it is written.
    private static let pieceSize = 1 << 20
    /// Archives end at a multiple of this, twenty blocks.
    private static let recordSize = 20 * TarHeader.blockSize

    /// Creates the file, or empties one that is there.
    public init(path: String) throws(ArchiveError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .system("create", path) }
        pending.reserveCapacity(Self.pieceSize)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Appends a file.
    ///
    /// - Parameter name: a relative path of at most 100 bytes, or 155 and 100 around a slash, not yet in this archive.
    public func append(name: String, contents: [UInt8]) throws(ArchiveError) {
        precondition(descriptor >= 0, "nothing is appended to a finished archive")
        if let objection = TarHeader.objection(to: name) {
            throw ArchiveError(.invalidName, "cannot add '\(name)' to the archive \(path): \(objection)")
        }
        guard contents.count <= TarHeader.sizeLimit else {
            throw ArchiveError(
                .tooLarge,
                "cannot add '\(name)' to the archive \(path): expected at most \(TarHeader.sizeLimit) bytes,"
                    + " found \(contents.count)")
        }
        guard names.insert(name).inserted else {
            throw ArchiveError(
                .invalidName, "cannot add '\(name)' to the archive \(path): it is in it already; names must differ")
        }
        let header = TarHeader(name: name, size: contents.count)
        try write(header.encoded())
        try write(contents)
        try write([UInt8](repeating: 0, count: header.paddedSize - contents.count))
    }

    /// Writes the end, fsyncs the file and closes it; returns the file's size in bytes.
    @discardableResult
    public func finish() throws(ArchiveError) -> Int {
        precondition(descriptor >= 0, "an archive is finished once")
        let end = size + 2 * TarHeader.blockSize
        let padded = (end + Self.recordSize - 1) / Self.recordSize * Self.recordSize
        try write([UInt8](repeating: 0, count: padded - size))
        try flush()
        guard fsync(descriptor) == 0 else { throw .system("fsync", path) }
        let finished = descriptor
        descriptor = -1
        guard close(finished) == 0 else { throw .system("close", path) }
        return size
    }

    private func write(_ bytes: [UInt8]) throws(ArchiveError) {
        size += bytes.count
        if pending.count + bytes.count > Self.pieceSize { try flush() }
        if bytes.count >= Self.pieceSize { return try writeAll(bytes) }
        pending.append(contentsOf: bytes)
    }

    private func flush() throws(ArchiveError) {
        try writeAll(pending)
        pending.removeAll(keepingCapacity: true)
    }

    private func writeAll(_ bytes: [UInt8]) throws(ArchiveError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.write(descriptor, $0.baseAddress! + done, bytes.count - done)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .system("write", path) }
            done += count
        }
    }
}
