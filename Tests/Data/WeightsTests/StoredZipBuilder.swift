// Zip files for tests, made byte by byte.

/// Makes a zip of stored entries, as `torch.save` makes it but for checksums; tests damage it afterwards.
struct StoredZipBuilder {
    /// One entry; `method` and `flags` are only written, nothing is done by them.
    struct Entry {
        var name: String
        var contents: [UInt8]
        var method = 0
        var flags = 0
        /// What the directory says, where that is not the truth.
        var claimedSize: Int?
        var claimedOffset: Int?

        init(_ name: String, _ contents: [UInt8]) {
            self.name = name
            self.contents = contents
        }
    }

    var entries: [Entry]
    /// Whether sizes and offsets stand in zip64 fields.
    var isWide = false

    /// A torch file of this pickle, with storages of these bytes under "0", "1" and so on.
    init(pickle: [UInt8], storages: [[UInt8]] = []) {
        entries = [Entry("w/data.pkl", pickle), Entry("w/byteorder", Array("little".utf8))]
        entries += storages.enumerated().map { Entry("w/data/\($0)", $1) }
        entries.append(Entry("w/version", Array("3\n".utf8)))
    }

    /// The bytes of the whole file.
    func bytes() -> [UInt8] {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            let offset = file.count
            file += Self.localHeader(entry) + entry.contents
            directory += record(entry, offset: entry.claimedOffset ?? offset)
        }
        return file + directory
            + Self.end(count: entries.count, size: directory.count, offset: file.count, isWide: isWide)
    }

    /// `value` in `count` little-endian bytes.
    static func little(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// What stands before an entry's contents.
    static func localHeader(_ entry: Entry) -> [UInt8] {
        little(0x0403_4B50, 4) + little(0, 2) + little(entry.flags, 2) + little(entry.method, 2) + little(0, 16)
            + little(entry.name.utf8.count, 2) + little(0, 2) + Array(entry.name.utf8)
    }

    /// An entry of the directory.
    func record(_ entry: Entry, offset: Int) -> [UInt8] {
        let size = entry.claimedSize ?? entry.contents.count
        let wide = [size, size, offset].flatMap { Self.little($0, 8) }
        let extra = isWide ? Self.little(1, 2) + Self.little(wide.count, 2) + wide : []
        func narrow(_ value: Int) -> [UInt8] { Self.little(isWide ? 0xFFFF_FFFF : value, 4) }
        return Self.little(0x0201_4B50, 4) + Self.little(0, 4) + Self.little(entry.flags, 2)
            + Self.little(entry.method, 2) + Self.little(0, 8) + narrow(size) + narrow(size)
            + Self.little(entry.name.utf8.count, 2) + Self.little(extra.count, 2) + Self.little(0, 10) + narrow(offset)
            + Array(entry.name.utf8) + extra
    }

    /// What stands after the directory.
    static func end(count: Int, size: Int, offset: Int, isWide: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        if isWide {
            bytes += little(0x0606_4B50, 4) + little(44, 8) + little(0, 12) + little(count, 8) + little(count, 8)
            bytes += little(size, 8) + little(offset, 8)
            bytes += little(0x0706_4B50, 4) + little(0, 4) + little(offset + size, 8) + little(1, 4)
        }
        func narrow(_ value: Int, _ count: Int) -> [UInt8] { little(isWide ? 0xFFFF_FFFF : value, count) }
        bytes += little(0x0605_4B50, 4) + little(0, 4) + narrow(count, 2) + narrow(count, 2)
        return bytes + narrow(size, 4) + narrow(offset, 4) + little(0, 2)
    }
}
