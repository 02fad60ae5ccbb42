// Bytes at any place: the same from a file as from memory.

import Digests
import Files
import Foundation
import Testing

@Suite struct ByteReaderTests {
    /// The same bytes in a file, whose name has gone already, and in memory.
    private func readers(_ bytes: [UInt8]) throws -> [any ByteReader] {
        let path = FileManager.default.temporaryDirectory.path + "/reader-" + UUID().uuidString
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let file = try RegularFile(path: path)
        try FileManager.default.removeItem(atPath: path)
        return [file, MemoryReader(bytes, place: path)]
    }

    @Test func aPieceIsWhatIsThereFromItsPlaceOn() throws {
        for reader in try readers([0, 1, 2, 3, 4]) {
            #expect(reader.size == 5 && reader.place.contains("/reader-"))
            #expect(try reader.bytes(at: 1, count: 3) == [1, 2, 3])
            #expect(try reader.bytes(at: 3, count: 9) == [3, 4])
            #expect(try reader.bytes(at: 5, count: 1) == [] && reader.bytes(at: 99, count: 1) == [])
            #expect(try reader.contents(limit: 5) == [0, 1, 2, 3, 4])
            let failure = #expect(throws: FileFailure.self) { try reader.contents(limit: 4) }
            #expect(failure?.kind == .unexpected && failure?.path == reader.place)
        }
    }

    @Test(arguments: [0, 1, 1 << 20, (1 << 20) + 1, 5_000_001]) func theDigestIsThatOfAllBytes(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for reader in try readers(bytes) {
            #expect(try reader.digest() == SHA256.digest(of: bytes))
            var pieces: [[UInt8]] = []
            try reader.forEachPiece(mapping: { $0 }) { piece throws(FileFailure) in pieces.append(Array(piece)) }
            #expect(pieces.allSatisfy { (1...(1 << 20)).contains($0.count) } && pieces.flatMap { $0 } == bytes)
        }
    }

    @Test func whatTheBodyThrowsEndsTheReading() throws {
        struct Enough: Error {}
        for reader in try readers([UInt8](repeating: 1, count: 3 << 20)) {
            var count = 0
            #expect(throws: Enough.self) {
                try reader.forEachPiece(mapping: { _ in Enough() }) { _ throws(Enough) in
                    count += 1
                    if count == 2 { throw Enough() }
                }
            }
            #expect(count == 2)
        }
    }
}
