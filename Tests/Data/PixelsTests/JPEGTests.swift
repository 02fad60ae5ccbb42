// JPEG beside Pillow, and files that are none.

import Digests
import Fixtures
import Foundation
import Testing

@testable import Pixels

/// What Pillow reads from a file.
private struct Reading: Decodable {
    var name: String
    var width: Int
    var height: Int
    var digest: String
}

@Suite struct JPEGTests {
    /// Makes Pillow's files, and hands them over with what Pillow reads from each.
    private static func withFiles(_ body: ([Reading], (String) throws -> [UInt8]) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/jpeg-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let readings: [Reading] = try Readers.run("pictures.py", folder)
        try body(readings) { name in [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))) }
    }

    @Test(.enabled(if: Readers.python != nil, "\(Readers.missing)"))
    func everyFormHasPillowsPixels() throws {
        try Self.withFiles { readings, bytes in
            try #require(readings.count == 65)
            for reading in readings {
                let image = try Image(decoding: try bytes(reading.name))
                #expect(image.width == reading.width && image.height == reading.height, "\(reading.name)")
                #expect(SHA256.digest(of: image.pixels).hex == reading.digest, "\(reading.name)")
            }
        }
    }

    @Test(.enabled(if: Readers.python != nil, "\(Readers.missing)"))
    func aFileThatIsCutOffIsRefused() throws {
        try Self.withFiles { readings, bytes in
            for name in ["baseline-64x48-420-92.jpg", "progressive-64x48.jpg", "cmyk-64x48.jpg"] {
                let whole = try bytes(name)
                for count in stride(from: 0, to: whole.count - 1, by: 7) {
                    #expect(throws: PixelError.self, "\(name), \(count) bytes") {
                        try Image(jpeg: Array(whole[..<count]))
                    }
                }
            }
        }
    }

    @Test(.enabled(if: Readers.python != nil, "\(Readers.missing)"))
    func damageIsRefusedOrReadAndNeverMore() throws {
        try Self.withFiles { readings, bytes in
            let whole = try bytes("baseline-33x57-420-35.jpg")
            var refused = 0
            for index in whole.indices {
                var damaged = whole
                damaged[index] ^= 0x55
                do {
                    let image = try Image(jpeg: damaged)
                    #expect(image.width * image.height <= Image.pixelLimit)
                } catch { refused += 1 }
            }
            #expect(refused > 50, "\(refused) of \(whole.count)")
        }
    }

    @Test func whatIsNoJPEGIsOneLine() throws {
        for bytes in [[], [0xFF], [0xFF, 0xD8], [0xFF, 0xD8, 0xFF, 0xD9], Array("not a picture".utf8)] as [[UInt8]] {
            let error = #expect(throws: PixelError.self) { try Image(jpeg: bytes) }
            #expect(error?.code == .malformed)
            #expect(error.map { !$0.description.contains("\n") } == true)
        }
    }

    /// A header of 65,500 x 65,500 pixels, and nothing after it.
    @Test func hugePicturesAreRefusedBeforeAnythingIsDecoded() throws {
        let frame: [UInt8] = [0xFF, 0xC0, 0, 11, 8, 0xFF, 0xDC, 0xFF, 0xDC, 1, 1, 0x11, 0]
        let scan: [UInt8] = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0]
        let error = #expect(throws: PixelError.self) {
            try Image(jpeg: [0xFF, 0xD8] + frame + scan + [0xFF, 0xD9])
        }
        #expect(error?.code == .tooLarge)
    }
}
