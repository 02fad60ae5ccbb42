// Writing ustar archives that depend on nothing but their members' names, contents and order.

import Files

/// Writes a tar file: the same members in the same order give the same bytes, anywhere and at any time.
///
/// Members are plain files of mode 0644, owner 0 and time 0; the end is two zero blocks, padded to 10,240 bytes.
/// Calls block on the disc. A writer belongs to one thread at a time; one that goes away unfinished leaves a
/// file without end.
public final class TarWriter {
    /// The file being written.
    public let path: String
    /// Bytes appended so far, headers and padding included.
    public private(set) var size = 0

    private let file: BufferedFile
    private var names: Set<String> = []

    /// How much is collected before it is written.
    private static let pieceSize = 1 << 20
    /// Archives end at a multiple of this, twenty blocks.
    private static let recordSize = 20 * TarHeader.blockSize

    /// Creates the file, or empties one that is there.
    public init(path: String) throws(ArchiveError) {
        self.path = path
        do { file = try BufferedFile(path: path, replacing: true, capacity: Self.pieceSize) } catch {
            throw .system(error)
        }
    }

    /// Appends a file.
    ///
    /// - Parameter name: a relative path of at most 100 bytes, or 155 and 100 around a slash, not yet in this archive.
    public func append(name: String, contents: [UInt8]) throws(ArchiveError) {
        precondition(!file.isFinished, "nothing is appended to a finished archive")
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
        precondition(!file.isFinished, "an archive is finished once")
        let end = size + 2 * TarHeader.blockSize
        let padded = (end + Self.recordSize - 1) / Self.recordSize * Self.recordSize
        try write([UInt8](repeating: 0, count: padded - size))
        do { try file.finish(syncing: true) } catch { throw .system(error) }
        return size
    }

    private func write(_ bytes: [UInt8]) throws(ArchiveError) {
        size += bytes.count
        do { try file.append(bytes) } catch { throw .system(error) }
    }
}
