// PNG files put together by hand, of kinds that the encoder does not write.

/// A PNG from its header fields and raw scanlines, each with its filter byte, in stored (uncompressed) deflate blocks.
struct HandmadePNG {
    var width: UInt32
    var height: UInt32
    var bitDepth: UInt8
    var colorType: UInt8
    var palette: [UInt8] = []
    var scanlines: [UInt8]
    /// Whole chunks between header and pixels.
    var before: [UInt8] = []
    /// Whole chunks between pixels and end.
    var after: [UInt8] = []

    var bytes: [UInt8] {
        var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        file += Self.chunk("IHDR", Self.big(width) + Self.big(height) + [bitDepth, colorType, 0, 0, 0]) + before
        if !palette.isEmpty { file += Self.chunk("PLTE", palette) }
        let count = UInt16(scanlines.count)
        let block = [1, UInt8(count & 255), UInt8(count >> 8), UInt8(~count & 255), UInt8(~count >> 8)]
        file += Self.chunk("IDAT", [0x78, 0x01] + block + scanlines + Self.big(Self.adler32(scanlines)))
        return file + after + Self.chunk("IEND", [])
    }

    /// A whole chunk.
    static func chunk(_ name: String, _ body: [UInt8]) -> [UInt8] {
        let named = Array(name.utf8) + body
        return big(UInt32(body.count)) + named + big(crc32(named))
    }

    /// Four bytes, the highest first.
    static func big(_ value: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(value >> $0 & 255) } }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        var sum = ~UInt32(0)
        for byte in bytes { sum = sum >> 8 ^ table[Int((sum ^ UInt32(byte)) & 255)] }
        return ~sum
    }

    private static let table: [UInt32] = (0..<256).map { value in
        (0..<8).reduce(UInt32(value)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }

    private static func adler32(_ bytes: [UInt8]) -> UInt32 {
        let sums = bytes.reduce((UInt32(1), UInt32(0))) { sums, byte in
            let first = (sums.0 + UInt32(byte)) % 65_521
            return (first, (sums.1 + first) % 65_521)
        }
        return sums.1 << 16 | sums.0
    }
}
