// Bytes that are read at any place: of a file, in memory, or on a server.

public import Digests
import Foundation

/// Bytes of a known number, open for reading at any place; closed when it goes away. Calls may block.
public protocol ByteReader {
    /// Where the bytes are, as a person would look for them: a path, or a URL.
    var place: String { get }
    /// How many there were when they were opened.
    var size: Int { get }

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// Throws ``FileFailure``, of kind `missing` where they have turned out not to be there.
    /// - Returns: how many there were; fewer than there is room for only where the bytes end.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileFailure) -> Int
}

extension ByteReader {
    /// Bytes from a place on, fewer where they end before.
    /// - Parameter count: the caller bounds it, since that much memory is taken.
    public func bytes(at offset: Int, count: Int) throws(FileFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let done = try bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(FileFailure) in try read(into: buffer, at: offset) }
        }.get()
        return done == count ? bytes : Array(bytes[..<done])
    }

    /// All bytes, fewer where they were cut off meanwhile.
    /// - Parameter limit: the most bytes that are taken into memory; more are refused as `unexpected`.
    public func contents(limit: Int) throws(FileFailure) -> [UInt8] {
        guard size <= limit else {
            throw FileFailure("read", place, expected: "at most \(limit) bytes", found: "\(size)")
        }
        return try bytes(at: 0, count: size)
    }

    /// Hands over all bytes in order, in pieces of at most 1 MiB; fewer where they were cut off meanwhile.
    ///
    /// Throws what `body` throws as it is.
    public func forEachPiece<Failure>(
        mapping failure: (FileFailure) -> Failure, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: min(1 << 20, max(size, 1)), alignment: 16)
        defer { piece.deallocate() }
        var done = 0
        while done < size {
            let wanted = UnsafeMutableRawBufferPointer(rebasing: piece[..<min(piece.count, size - done)])
            let count: Int
            do throws(FileFailure) { count = try read(into: wanted, at: done) } catch { throw failure(error) }
            if count == 0 { return }
            done += count
            try body(UnsafeRawBufferPointer(rebasing: piece[..<count]))
        }
    }

    /// The SHA-256 of all bytes, read in pieces of 1 MiB.
    public func digest() throws(FileFailure) -> SHA256Digest {
        var hasher = SHA256Hasher()
        try forEachPiece(mapping: { $0 }) { piece throws(FileFailure) in hasher.update(piece) }
        return hasher.finalize()
    }
}

/// Bytes in memory, read as if they were elsewhere.
public struct MemoryReader: ByteReader {
    /// Where people find them.
    public let place: String
    /// How many there are.
    public var size: Int { contents.count }
    private let contents: [UInt8]

    /// Reads `contents`, which people find at `place`.
    public init(_ contents: [UInt8], place: String) {
        self.contents = contents
        self.place = place
    }

    /// Copies what is there from `offset` on.
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileFailure) -> Int {
        guard offset >= 0, offset < contents.count else { return 0 }
        let count = min(buffer.count, contents.count - offset)
        contents.withUnsafeBytes { all in
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[offset..<offset + count]))
        }
        return count
    }
}
