// Archives against the catalogue, and tar files by themselves.

import Archives
import Auditing
import Catalogue
import Fixtures
import Foundation
import Testing

@Suite struct VerificationTests {
    /// The signature and an empty IEND with its well-known checksum.
    private static let png: [UInt8] = [
        0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82,
    ]
    private static let json = Array("{}".utf8)

    private func findings(_ members: [(String, [UInt8])]) throws -> [String] {
        let path = NSTemporaryDirectory() + "verification-\(UUID().uuidString).tar"
        defer { unlink(path) }
        let writer = try TarWriter(path: path)
        for (name, contents) in members { try writer.append(name: name, contents: contents) }
        try writer.finish()
        return try ArchiveInspection.findings(inFileAt: path).map { $0.what.replacing(path + ": ", with: "") }
    }

    @Test func pairsOfPNGAndJSONAreGood() throws {
        #expect(
            try findings([
                ("000000000001-0.png", Self.png), ("000000000001-0.json", Self.json), ("000000000002-0.png", Self.png),
                ("000000000002-0.json", Self.json),
            ]) == [])
    }

    @Test func whatIsNoPairIsNamed() throws {
        #expect(try findings([("000000000001-0.png", Self.png)]) == ["member 000000000001-0.json"])
        #expect(
            try findings([
                ("000000000001-0.png", Self.png), ("000000000002-0.png", Self.png), ("000000000002-0.json", Self.json),
            ]) == ["member 000000000001-0.json"]
        )
        #expect(
            try findings([
                ("000000000001-0.json", Self.json), ("000000000001-0.png", Self.png),
                ("000000000001-0.json.json", Self.json),
            ]).count == 2)
        #expect(
            try findings([("000000000001-0.png", [1, 2]), ("000000000001-0.json", [3])]) == [
                "member 000000000001-0.png", "member 000000000001-0.json",
            ])
        #expect(try findings([]) == ["archive"])
        for damaged in [Self.png.dropLast(), Self.png + [0], Self.png.prefix(16) + [0, 0, 0, 0]] {
            #expect(
                try findings([("000000000001-0.png", Array(damaged)), ("000000000001-0.json", Self.json)]) == [
                    "member 000000000001-0.png"
                ])
        }
    }

    @Test(arguments: [
        "a", "1-0", "0000000000001-0", "000000000001", "000000000001-x", "sub/000000000001-0", "000000000001-0.0",
    ])
    func aNameThatNoPackerGivesIsNamed(key: String) throws {
        #expect(try findings([("\(key).png", Self.png), ("\(key).json", Self.json)]) == ["member \(key).png"])
    }

    @Test func aFileThatIsNoArchiveIsAFinding() throws {
        #expect(try ArchiveInspection.findings(inFileAt: "/nonexistent.tar").count == 1)
        #expect(try ArchiveInspection.findings(inFileAt: #filePath).count == 1)
    }

    @Test(.enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
    func finishedShardsAreVerifiedAgainstTheCatalogue() async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            var found: [Finding] = []
            #expect(try await stage.auditor.verify(stage.job, shard: nil) { found.append($0) } == 2)
            #expect(found == [])
            try stage.flip(try #require(try await stage.shard(1).tar), at: 700)
            #expect(try await stage.auditor.verify(stage.job, shard: 0) { found.append($0) } == 1)
            #expect(found == [])
            #expect(try await stage.auditor.verify(stage.job, shard: nil) { found.append($0) } == 2)
            #expect(found.contains { $0.shard == 1 && $0.expected.hasPrefix("SHA-256") })
        }
    }
}
