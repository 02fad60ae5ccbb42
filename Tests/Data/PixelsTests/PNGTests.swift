// PNG in and out.

import Foundation
import Pixels
import Testing

@Suite struct PNGTests {
    private let picture = Image(backdropOf: 97, height: 41, seed: 7)

    @Test(arguments: PNGCompression.allCases)
    func decodingGivesTheEncodedPixelsBack(compression: PNGCompression) throws {
        #expect(try Image(png: picture.png(compression: compression)) == picture)
    }

    @Test(arguments: PNGCompression.allCases)
    func equalPixelsGiveEqualBytesWithoutTimestamps(compression: PNGCompression) throws {
        let bytes = try picture.png(compression: compression)
        #expect(try picture.png(compression: compression) == bytes)
        #expect(!String(decoding: bytes, as: UTF8.self).contains("tIME"))
    }

    @Test func theHeaderIsThatOfAnRGB8Picture() throws {
        let bytes = try Image(width: 3, height: 2, fill: Color(hex: 0x102030)).png()
        #expect(bytes[..<8] == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        #expect(bytes[16..<29] == [0, 0, 0, 3, 0, 0, 0, 2, 8, 2, 0, 0, 0])
    }

    @Test func grayBecomesRGB() throws {
        let file = HandmadePNG(width: 2, height: 1, bitDepth: 8, colorType: 0, scanlines: [0, 10, 200])
        #expect(try Image(png: file.bytes).pixels == [10, 10, 10, 200, 200, 200])
    }

    @Test func aOneBitPictureIsBlackAndWhite() throws {
        let file = HandmadePNG(width: 3, height: 1, bitDepth: 1, colorType: 0, scanlines: [0, 0b1010_0000])
        #expect(try Image(png: file.bytes).pixels == [255, 255, 255, 0, 0, 0, 255, 255, 255])
    }

    @Test func aPaletteIsLookedUp() throws {
        let file = HandmadePNG(
            width: 2, height: 1, bitDepth: 8, colorType: 3, palette: [1, 2, 3, 4, 5, 6], scanlines: [0, 1, 0])
        #expect(try Image(png: file.bytes).pixels == [4, 5, 6, 1, 2, 3])
    }

    @Test func alphaIsDropped() throws {
        let file = HandmadePNG(width: 1, height: 1, bitDepth: 8, colorType: 6, scanlines: [0, 9, 8, 7, 0])
        #expect(try Image(png: file.bytes).pixels == [9, 8, 7])
    }

    @Test func sixteenBitsAreScaledToEight() throws {
        let row: [UInt8] = [0, 0xFF, 0xFF, 0x80, 0x80, 0x00, 0xFF]
        let file = HandmadePNG(width: 1, height: 1, bitDepth: 16, colorType: 2, scanlines: row)
        #expect(try Image(png: file.bytes).pixels == [255, 128, 1])
    }

    @Test func everyTruncationIsAnError() throws {
        let bytes = try Image(width: 5, height: 4, fill: .white).png()
        for count in 0..<bytes.count {
            let error = #expect(throws: PixelError.self) { try Image(png: Array(bytes[..<count])) }
            #expect(error?.code == .malformed)
            #expect(error?.description.contains("expected one whole PNG") == true)
        }
    }

    @Test func aFlippedByteIsAnError() throws {
        var bytes = try picture.png()
        bytes[bytes.count / 2] ^= 0xFF
        #expect(throws: PixelError.self) { try Image(png: bytes) }
    }

    @Test func garbageSaysWhatItIsNot() {
        let error = #expect(throws: PixelError.self) { try Image(png: Array("GIF89a, no PNG at all".utf8)) }
        #expect(error?.description.contains("Not a PNG file") == true)
    }

    @Test func aHugePictureIsRefusedByItsHeader() {
        let file = HandmadePNG(width: 20_000, height: 5_001, bitDepth: 8, colorType: 2, scanlines: [0])
        let error = #expect(throws: PixelError.self) { try Image(png: file.bytes) }
        #expect(error?.code == .tooLarge)
        #expect(error?.description.contains("it is 20000x5001, expected at most 100000000 pixels") == true)
    }
}
