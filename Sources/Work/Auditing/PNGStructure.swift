// Whether bytes are a whole PNG: signature, chunks and their checksums. Nothing is decompressed.

/// The frame of a PNG file (PNG specification, sections 5.2 to 5.5).
enum PNGStructure {
    /// The first eight bytes of every PNG.
    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// What is wrong; `nil` for a signature and chunks up to IEND at the very end, each with the checksum it states.
    static func objection(to bytes: [UInt8]) -> String? {
        guard bytes.starts(with: signature) else { return "\(bytes.count) bytes without its signature" }
        var offset = signature.count
        while offset + 12 <= bytes.count {
            let length = Int(number(bytes, at: offset))
            guard length <= bytes.count - offset - 12 else { break }
            let type = bytes[(offset + 4)..<(offset + 8)]
            guard checksum(bytes[(offset + 4)..<(offset + 8 + length)]) == number(bytes, at: offset + 8 + length) else {
                return "a chunk at byte \(offset) with another checksum than it states"
            }
            offset += 12 + length
            if type.elementsEqual("IEND".utf8) {
                return offset == bytes.count ? nil : "\(bytes.count - offset) bytes after its end"
            }
        }
        return "an end at byte \(bytes.count) amid a chunk or without IEND"
    }

    private static func number(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// CRC-32 with the polynomial 0xEDB88320 (PNG specification, annex D).
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var sum: UInt32 = 0xFFFF_FFFF
        for byte in bytes { sum = table[Int((sum ^ UInt32(byte)) & 0xFF)] ^ (sum >> 8) }
        return ~sum
    }

    private static let table: [UInt32] = (0..<256).map { value in
        (0..<8).reduce(UInt32(value)) { sum, _ in sum & 1 == 1 ? 0xEDB8_8320 ^ (sum >> 1) : sum >> 1 }
    }
}
