// SHA-256 against the FIPS 180-4 example vectors, in one call, in pieces and from files.

import Foundation
import Testing

@testable import Digests

@Suite struct SHA256Tests {
    static let vectors: [(message: String, hex: String)] = [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        ),
        (String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ]

    @Test(arguments: vectors) func matchesThePublishedVectors(message: String, hex: String) {
        #expect(SHA256.digest(of: message).hex == hex)
        #expect(SHA256.digest(of: Array(message.utf8)).description == hex)
    }

    @Test func piecesGiveTheDigestOfTheWhole() {
        var hasher = SHA256Hasher()
        for byte in Self.vectors[2].message.utf8 { hasher.update([byte]) }
        hasher.update(Data())
        #expect(hasher.finalize().hex == Self.vectors[2].hex)
    }

    @Test func aFinalizedHasherBeginsAnew() {
        var hasher = SHA256Hasher()
        hasher.update(Data("something else".utf8))
        _ = hasher.finalize()
        hasher.update(Array("abc".utf8))
        #expect(hasher.finalize().hex == Self.vectors[1].hex)
    }

    @Test(arguments: [0, 1, SHA256.pieceSize - 1, SHA256.pieceSize, SHA256.pieceSize + 1, 2 * SHA256.pieceSize])
    func aFileHashesLikeItsBytes(size: Int) throws {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("digests-\(UUID().uuidString)")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(try SHA256.digest(ofFileAt: file.path) == SHA256.digest(of: bytes))
    }

    @Test func aMissingFileIsNamedWithTheSystemsReason() {
        let error = #expect(throws: DigestError.self) { try SHA256.digest(ofFileAt: "/nonexistent/a.json") }
        #expect(error?.errorNumber == ENOENT)
        #expect(error?.description.contains("/nonexistent/a.json") == true)
        #expect(error?.description.contains("No such file") == true)
    }

    @Test(.timeLimit(.minutes(1))) func whatNeverEndsIsRefused() throws {
        let pipe = FileManager.default.temporaryDirectory.appendingPathComponent("digests-\(UUID().uuidString)").path
        #expect(mkfifo(pipe, 0o600) == 0)
        defer { unlink(pipe) }
        for path in [pipe, "/dev/zero"] {
            let error = #expect(throws: DigestError.self) { try SHA256.digest(ofFileAt: path) }
            #expect(error?.errorNumber == ENODEV && error?.description.contains(path) == true)
        }
    }

    @Test func aFolderIsRefused() {
        let error = #expect(throws: DigestError.self) { try SHA256.digest(ofFileAt: "/") }
        #expect(error?.errorNumber == EISDIR)
    }
}

@Suite struct SHA256DigestTests {
    let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    @Test func hexadecimalTextOfEitherCaseRoundTrips() throws {
        let digest = try #require(SHA256Digest(hex: hex))
        #expect(SHA256Digest(hex: hex.uppercased()) == digest)
        #expect(digest.hex == hex)
        #expect(SHA256Digest(bytes: digest.bytes) == digest)
        #expect(digest.bytes.count == 32)
    }

    @Test func anythingButADigestIsRefused() {
        #expect(SHA256Digest(hex: "") == nil)
        #expect(SHA256Digest(hex: String(hex.dropLast())) == nil)
        #expect(SHA256Digest(hex: hex + "0") == nil)
        #expect(SHA256Digest(hex: hex.dropLast() + "g") == nil)
        #expect(SHA256Digest(hex: " " + hex) == nil)
        #expect(SHA256Digest(bytes: [UInt8](repeating: 0, count: 31)) == nil)
    }

    @Test func itIsEncodedAsItsText() throws {
        let digest = try #require(SHA256Digest(hex: hex))
        let data = try JSONEncoder().encode([digest])
        #expect(String(decoding: data, as: UTF8.self) == "[\"\(hex)\"]")
        #expect(try JSONDecoder().decode([SHA256Digest].self, from: data) == [digest])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([SHA256Digest].self, from: Data("[\"ab\"]".utf8))
        }
    }
}
