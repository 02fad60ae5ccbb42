// The 512-byte header of a member in POSIX ustar (IEEE Std 1003.1, pax, "ustar Interchange Format").

/// One header block: making it, and reading it back with its checksum and magic checked.
struct TarHeader: Equatable {
    /// Bytes of a block; headers take one, contents are padded to whole ones.
    static let blockSize = 512
    /// The largest size that eleven octal digits hold.
    static let sizeLimit = 0o777_7777_7777

    var name: String
    var size: Int

    /// Bytes from the start of the contents to the next header.
    var paddedSize: Int { (size + Self.blockSize - 1) / Self.blockSize * Self.blockSize }

    /// Why a name cannot be stored; `nil` when it can.
    static func objection(to name: String) -> String? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        if name.isEmpty { return "it is empty" }
        if name.utf8.contains(0) { return "it holds a NUL" }
        if parts.contains("") || parts.contains(".") || parts.contains("..") {
            return "it is not a plain relative path: it holds an empty, '.' or '..' part"
        }
        if split(name) == nil {
            return "its \(name.utf8.count) bytes do not fit ustar: at most 100, or at most 155 and 100 around a '/'"
        }
        return nil
    }

    /// The name in two fields, (prefix, name); `nil` when it does not fit.
    static func split(_ name: String) -> (prefix: [UInt8], name: [UInt8])? {
        let bytes = Array(name.utf8)
        if bytes.count <= 100 { return ([], bytes) }
        // The name field takes as much as it can, as other writers of the format do.
        guard
            let slash = bytes.indices.first(where: {
                bytes[$0] == UInt8(ascii: "/") && bytes.count - $0 - 1 <= 100
            }), slash <= 155
        else { return nil }
        return (Array(bytes[..<slash]), Array(bytes[(slash + 1)...]))
    }

    /// The header's bytes; everything but name and size is constant: mode 0644, owner 0, time 0.
    ///
    /// The name and size must fit.
    func encoded() -> [UInt8] {
        guard let (prefix, name) = Self.split(name), size >= 0, size <= Self.sizeLimit else {
            preconditionFailure("the name and size are checked before a header is made")
        }
        var block = [UInt8](repeating: 0, count: Self.blockSize)
        func put(_ bytes: some Sequence<UInt8>, at offset: Int) {
            for (index, byte) in bytes.enumerated() { block[offset + index] = byte }
        }
        put(name, at: 0)
        put("0000644\0".utf8, at: 100)
        put("0000000\0".utf8, at: 108)
        put("0000000\0".utf8, at: 116)
        put(Self.octal(size, digits: 11), at: 124)
        put(Self.octal(0, digits: 11), at: 136)
        put("0".utf8, at: 156)
        put("ustar\u{0}00".utf8, at: 257)
        put(prefix, at: 345)
        put(Self.octal(Self.checksum(block), digits: 6) + [0, UInt8(ascii: " ")], at: 148)
        return block
    }

    /// The sum of the header's bytes with the checksum field taken as spaces.
    static func checksum(_ block: [UInt8]) -> Int {
        block.indices.reduce(0) { $0 + ((148..<156).contains($1) ? 32 : Int(block[$1])) }
    }

    private static func octal(_ value: Int, digits: Int) -> [UInt8] {
        (0..<digits).reversed().map { UInt8(ascii: "0") + UInt8(value >> (3 * $0) & 7) }
    }
}

extension TarHeader {
    /// Reads a header block that is not all zeros; `place` and `offset` are for the error's text.
    init(decoding block: [UInt8], place: String, offset: Int) throws(ArchiveError) {
        let place = "in the archive \(place) at byte \(offset)"
        guard block[257..<263].elementsEqual("ustar\u{0}".utf8) else {
            throw ArchiveError(.notUstar, "cannot read the header \(place): expected the magic 'ustar', found none")
        }
        let sum = Self.checksum(block)
        guard let stored = Self.number(block[148..<156]), stored == sum else {
            let found = String(decoding: block[148..<154].filter { $0 > 31 && $0 < 127 }, as: UTF8.self)
            throw ArchiveError(
                .checksum,
                "cannot read the header \(place): expected the checksum \(String(sum, radix: 8)), found '\(found)';"
                    + " the file is damaged")
        }
        let prefix = Self.text(block[345..<500])
        let last = Self.text(block[0..<100])
        name = prefix.isEmpty ? last : prefix + "/" + last
        guard block[156] == UInt8(ascii: "0") || block[156] == 0 else {
            throw ArchiveError(
                .unsupportedMember,
                "cannot read '\(name)' \(place): expected a plain file, found a member of type"
                    + " '\(Character(UnicodeScalar(block[156])))'")
        }
        guard let size = Self.number(block[124..<136]) else {
            throw ArchiveError(.notUstar, "cannot read '\(name)' \(place): its size is not an octal number")
        }
        self.size = size
    }

    private static func text(_ field: ArraySlice<UInt8>) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// An octal number between spaces, ended by NUL or space.
    private static func number(_ field: ArraySlice<UInt8>) -> Int? {
        let digits = field.drop { $0 == 32 }.prefix { $0 != 0 && $0 != 32 }
        return Int(String(decoding: digits, as: UTF8.self), radix: 8).flatMap { $0 < 0 ? nil : $0 }
    }
}
