// A picture takes memory for its pixels, whatever else its file holds.

import Fixtures
import Pixels
import Testing

@Suite(.serialized) struct PNGBombTests {
    /// Nearly eight million letters, as zlib packs them: 50 kB. libpng keeps no text beyond its first zero.
    private static let letters: [UInt8] = {
        var bits: [UInt8] = [1, 1, 0]  // The last block, with the fixed code (RFC 1951, 3.2.6).
        func append(_ code: Int, _ length: Int) { bits += (0..<length).reversed().map { UInt8(code >> $0 & 1) } }
        append(0x30 + 0x61, 8)
        let copies = 30_000
        for _ in 0..<copies {
            append(0xC5, 8)  // 258 bytes,
            append(0, 5)  // from one byte before.
        }
        append(0, 7)
        bits += [UInt8](repeating: 0, count: -bits.count & 7)
        let packed = stride(from: 0, to: bits.count, by: 8).map { place in
            (0..<8).reduce(UInt8(0)) { $0 | bits[place + $1] << $1 }
        }
        let count = 1 + 258 * copies
        let sums = (1 + 0x61 * count, count + 0x61 * count * (count + 1) / 2)
        return [0x78, 0x01] + packed + HandmadePNG.big(UInt32((sums.1 % 65_521) << 16 | sums.0 % 65_521))
    }()

    private static func chunk(_ name: String, _ text: String, _ rest: [UInt8] = []) -> [UInt8] {
        HandmadePNG.chunk(name, Array(text.utf8) + rest)
    }

    private static func repeated(_ chunk: [UInt8], _ count: Int) -> [UInt8] {
        var chunks: [UInt8] = []
        chunks.reserveCapacity(count * chunk.count)
        for _ in 0..<count { chunks += chunk }
        return chunks
    }

    struct Bomb: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var chunks: @Sendable () -> [UInt8]

        init(_ name: String, _ chunks: @escaping @Sendable () -> [UInt8]) {
            (testDescription, self.chunks) = (name, chunks)
        }
    }

    static let bombs = [
        Bomb("packed text") { repeated(chunk("zTXt", "a\0\0", letters), 80) },
        Bomb("packed international text") { repeated(chunk("iTXt", "a\0\u{1}\0\0\0", letters), 80) },
        Bomb("plain text") { repeated(chunk("tEXt", "a\0", [UInt8](repeating: 97, count: 8000)), 500) },
        Bomb("a packed profile") { chunk("iCCP", "a\0\0", letters) },
        Bomb("packed profiles") { repeated(chunk("iCCP", "a\0\0", letters), 80) },
        Bomb("suggested palettes") { repeated(chunk("sPLT", "a\0\u{8}", [UInt8](repeating: 0, count: 6000)), 500) },
        Bomb("camera data") { chunk("eXIf", "II*\0", [UInt8](repeating: 0, count: 400_000)) },
        Bomb("many chunks that nobody knows") { repeated(chunk("abCd", ""), 300_000) },
        Bomb("many texts") { repeated(chunk("tEXt", "a\0b"), 300_000) },
    ]

    @Test(arguments: bombs, [true, false])
    func chunksThatMakeNoPixelTakeNoMemory(bomb: Bomb, isBefore: Bool) throws {
        var file = HandmadePNG(width: 2, height: 1, bitDepth: 8, colorType: 0, scanlines: [0, 10, 200])
        if isBefore { file.before = bomb.chunks() } else { file.after = bomb.chunks() }
        let bytes = file.bytes
        var pixels: [UInt8] = []
        let peak = try PeakMemory.bytes { pixels = try Image(png: bytes).pixels }
        #expect(pixels == [10, 10, 10, 200, 200, 200])
        // Unpacked, they are 620 MB.
        #expect(peak < 16 << 20, "\(bytes.count) bytes took \(peak)")
    }

    @Test func aNarrowPictureTakesNoMoreThanAWideOne() throws {
        for (width, height) in [(1, 2_000_000), (2000, 1000)] {
            let bytes = try Image(width: width, height: height, fill: .white).png()
            var image = Image(width: 1, height: 1, fill: .black)
            let peak = try PeakMemory.bytes { image = try Image(png: bytes) }
            #expect(image.width == width && image.height == height)
            // Twice the pixels: libpng's rows and the image's own.
            #expect(peak < 2 * 6_000_000 + 8 << 20, "\(width)x\(height) took \(peak)")
        }
    }

    @Test func anInterlacedPictureIsReadInItsPasses() throws {
        // 3x2 gray pixels in the passes of Adam7: (0,0); none; none; (2,0); none; (1,0); the second row.
        let scanlines: [UInt8] = [0, 1, 0, 3, 0, 2, 0, 4, 5, 6]
        var bytes = HandmadePNG(width: 3, height: 2, bitDepth: 8, colorType: 0, scanlines: scanlines).bytes
        let header: [UInt8] = [0, 0, 0, 3, 0, 0, 0, 2, 8, 0, 0, 0, 1]
        bytes.replaceSubrange(8..<33, with: HandmadePNG.chunk("IHDR", header))
        #expect(try Image(png: bytes).pixels == [1, 2, 3, 4, 5, 6].flatMap { [UInt8](repeating: $0, count: 3) })
    }
}
