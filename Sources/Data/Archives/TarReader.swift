// Reading ustar archives, every header checked.

public import Files

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

/// A tar archive of plain members, wherever its bytes are; calls block as its reader does.
///
/// Every function throws ``ArchiveError`` for an archive that is cut off or damaged, naming the byte; members before
/// that place may have been handed out by then.
public final class TarReader {
    /// The largest member that is taken into memory, in bytes. The largest image, 4096 x 4096 pixels, takes 50 MB
    /// uncompressed; a sparse file can claim 8 GiB in a few.
    public static let memberLimit = 128 << 20

    /// Where it is, as a person would look for it.
    public var place: String { bytes.place }
    /// Bytes in it.
    public var size: Int { bytes.size }

    private let bytes: any ByteReader

    /// Reads the archive that these bytes are.
    public init(_ bytes: any ByteReader) { self.bytes = bytes }

    /// Opens the archive in the file at `path`; whatever is no regular file is refused as `irregular`.
    /// - Parameter following: whether a symbolic link stands for the file that it points to.
    public convenience init(path: String, following: Bool = false) throws(ArchiveError) {
        do { self.init(try RegularFile(path: path, following: following)) } catch { throw .system(error) }
    }

    /// Hands each member to `body` in the archive's order until it returns false.
    ///
    /// Throws what `body` throws as it is.
    public func forEachMember(_ body: (_ name: String, _ contents: [UInt8]) throws -> Bool) throws {
        var end = 0
        while let member = try member(at: &end) {
            guard try body(member.name, readContents(of: member)) else { return }
        }
    }

    /// Every member's name and place, in the archive's order, without reading contents.
    public func members() throws(ArchiveError) -> [TarMember] {
        var members: [TarMember] = []
        var end = 0
        while let member = try member(at: &end) { members.append(member) }
        return members
    }

    /// The contents of one member at the place a listing gave.
    public func contents(of member: TarMember) throws(ArchiveError) -> [UInt8] {
        guard member.offset >= 0, member.size >= 0, member.offset <= size - member.size else {
            throw truncated(member, at: member.offset)
        }
        return try readContents(of: member)
    }

    /// Reads the header at `offset` and moves `offset` behind the member; `nil` at the two zero blocks of the end.
    private func member(at offset: inout Int) throws(ArchiveError) -> TarMember? {
        let block = try block(at: offset)
        if block.allSatisfy({ $0 == 0 }) {
            guard try self.block(at: offset + TarHeader.blockSize).allSatisfy({ $0 == 0 }) else {
                throw ArchiveError(
                    .notUstar,
                    "cannot read the archive \(place) at byte \(offset): expected two zero blocks at its end,"
                        + " found one; the file is damaged")
            }
            return nil
        }
        let header = try TarHeader(decoding: block, place: place, offset: offset)
        let member = TarMember(name: header.name, offset: offset + TarHeader.blockSize, size: header.size)
        guard header.size <= size - member.offset else { throw truncated(member, at: offset) }
        offset = member.offset + header.paddedSize
        return member
    }

    private func block(at offset: Int) throws(ArchiveError) -> [UInt8] {
        guard offset <= size - TarHeader.blockSize else {
            throw ArchiveError(
                .truncated,
                "cannot read the archive \(place) at byte \(offset): expected a header or the two zero blocks of the"
                    + " end, found the end of the file (\(size) bytes); the file was cut off")
        }
        return try read(offset, count: TarHeader.blockSize)
    }

    private func readContents(of member: TarMember) throws(ArchiveError) -> [UInt8] {
        guard member.size <= Self.memberLimit else {
            throw ArchiveError(
                .tooLarge,
                "cannot read '\(member.name)' in the archive \(place) at byte \(member.offset): expected a member of at most"
                    + " \(Self.memberLimit) bytes, found one of \(member.size); it is no archive of this program")
        }
        return try read(member.offset, count: member.size)
    }

    private func read(_ offset: Int, count: Int) throws(ArchiveError) -> [UInt8] {
        let found: [UInt8]
        do { found = try bytes.bytes(at: offset, count: count) } catch { throw .system(error) }
        guard found.count == count else {
            throw ArchiveError(
                .truncated,
                "cannot read the archive \(place) at byte \(offset + found.count): it ends there unexpectedly")
        }
        return found
    }

    private func truncated(_ member: TarMember, at offset: Int) -> ArchiveError {
        ArchiveError(
            .truncated,
            "cannot read '\(member.name)' in the archive \(place) at byte \(offset): expected \(member.size) bytes from"
                + " byte \(member.offset) on, found a file of \(size) bytes; the file was cut off or is damaged")
    }
}
