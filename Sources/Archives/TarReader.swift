// Reading ustar archives, every header checked.

import Foundation

/// A file in an archive.
public struct TarMember: Hashable, Sendable {
    /// Its path in the archive.
    public let name: String
    /// Where its contents begin, in bytes from the archive's start.
    public let offset: Int
    /// Bytes of its contents.
    public let size: Int

    /// A member whose place is known, from a listing made earlier.
    public init(name: String, offset: Int, size: Int) {
        self.name = name
        self.offset = offset
        self.size = size
    }
}

/// Reads tar files of plain members; calls block on the disc.
///
/// Every function throws ``ArchiveError`` for an archive that is cut off or damaged, naming the byte; members before
/// that place may have been handed out by then.
public enum TarReader {
    /// The largest member that is taken into memory, in bytes. The largest image, 4096 x 4096 pixels, takes 50 MB
    /// uncompressed; a sparse file can claim 8 GiB in a few.
    public static let memberLimit = 128 << 20

    /// Hands each member to `body` in the archive's order until it returns false.
    ///
    /// Throws what `body` throws as it is.
    public static func forEachMember(
        of path: String, _ body: (_ name: String, _ contents: [UInt8]) throws -> Bool
    ) throws {
        let file = try ArchiveFile(path: path)
        var end = 0
        while let member = try member(at: &end, in: file) {
            guard try body(member.name, file.contents(of: member)) else { return }
        }
    }

    /// Every member's name and place, in the archive's order, without reading contents.
    public static func members(of path: String) throws(ArchiveError) -> [TarMember] {
        var members: [TarMember] = []
        let file = try ArchiveFile(path: path)
        var end = 0
        while let member = try member(at: &end, in: file) { members.append(member) }
        return members
    }

    /// The contents of one member at the place a listing gave.
    public static func contents(of member: TarMember, path: String) throws(ArchiveError) -> [UInt8] {
        let file = try ArchiveFile(path: path)
        guard member.offset >= 0, member.size >= 0, member.offset <= file.size - member.size else {
            throw file.truncated(member, at: member.offset)
        }
        return try file.contents(of: member)
    }

    /// Reads the header at `offset` and moves `offset` behind the member; `nil` at the two zero blocks of the end.
    private static func member(at offset: inout Int, in file: ArchiveFile) throws(ArchiveError) -> TarMember? {
        let block = try file.block(at: offset)
        if block.allSatisfy({ $0 == 0 }) {
            guard try file.block(at: offset + TarHeader.blockSize).allSatisfy({ $0 == 0 }) else {
                throw ArchiveError(
                    .notUstar,
                    "cannot read the archive \(file.path) at byte \(offset): expected two zero blocks at its end,"
                        + " found one; the file is damaged")
            }
            return nil
        }
        let header = try TarHeader(decoding: block, path: file.path, offset: offset)
        let member = TarMember(name: header.name, offset: offset + TarHeader.blockSize, size: header.size)
        guard header.size <= file.size - member.offset else { throw file.truncated(member, at: offset) }
        offset = member.offset + header.paddedSize
        return member
    }
}

/// An archive opened for reading; closed when it goes away.
private final class ArchiveFile {
    let path: String
    let size: Int
    private let descriptor: Int32

    init(path: String) throws(ArchiveError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let failure = ArchiveError.system("read the size of", path)
            close(descriptor)
            throw failure
        }
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    func block(at offset: Int) throws(ArchiveError) -> [UInt8] {
        guard offset <= size - TarHeader.blockSize else {
            throw ArchiveError(
                .truncated,
                "cannot read the archive \(path) at byte \(offset): expected a header or the two zero blocks of the"
                    + " end, found the end of the file (\(size) bytes); the file was cut off")
        }
        return try read(offset, count: TarHeader.blockSize)
    }

    func contents(of member: TarMember) throws(ArchiveError) -> [UInt8] {
        guard member.size <= TarReader.memberLimit else {
            throw ArchiveError(
                .tooLarge,
                "cannot read '\(member.name)' in the archive \(path) at byte \(member.offset): expected a member of at most"
                    + " \(TarReader.memberLimit) bytes, found one of \(member.size); it is no archive of this program")
        }
        return try read(member.offset, count: member.size)
    }

    func read(_ offset: Int, count: Int) throws(ArchiveError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress! + done, count - done, off_t(offset + done))
            }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw .system("read", path) }
            guard got > 0 else {
                throw ArchiveError(
                    .truncated, "cannot read the archive \(path) at byte \(offset + done): it ends there unexpectedly")
            }
            done += got
        }
        return bytes
    }

    func truncated(_ member: TarMember, at offset: Int) -> ArchiveError {
        ArchiveError(
            .truncated,
            "cannot read '\(member.name)' in the archive \(path) at byte \(offset): expected \(member.size) bytes from"
                + " byte \(member.offset) on, found a file of \(size) bytes; the file was cut off or is damaged")
    }
}
