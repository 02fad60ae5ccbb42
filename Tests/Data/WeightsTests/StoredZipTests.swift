// Zip directories that must be refused, and large ones that must not.

import Foundation
import Testing

@testable import Weights

@Suite struct StoredZipTests {
    private let scratch: ScratchFolder
    private let pickle = PickleBuilder.tensor()

    init() throws { scratch = try ScratchFolder() }

    private func zip(_ change: (inout StoredZipBuilder) -> Void = { _ in }) throws -> String {
        var builder = StoredZipBuilder(pickle: pickle, storages: [[UInt8](repeating: 0, count: 24)])
        change(&builder)
        return try scratch.write("x.bin", builder.bytes())
    }

    @Test func zip64FieldsAreRead() throws {
        #expect(try WeightFile(path: zip { $0.isWide = true }).entries.count == 1)
    }

    @Test func entriesBeyondFourGigabytesAreRead() throws {
        // A sparse file: only the pickle and the last storage take space.
        var builder = StoredZipBuilder(pickle: pickle, storages: [])
        builder.isWide = true
        let pickleEntry = StoredZipBuilder.Entry("w/data.pkl", pickle)
        let storage = StoredZipBuilder.Entry("w/data/0", (0..<6).flatMap { StoredZipBuilder.little($0, 4) })
        let far = 5 << 30
        let path = "\(scratch.path)/large.bin"
        let start = StoredZipBuilder.localHeader(pickleEntry) + pickleEntry.contents
        let tail = StoredZipBuilder.localHeader(storage) + storage.contents
        let directory = builder.record(pickleEntry, offset: 0) + builder.record(storage, offset: far)
        let end = StoredZipBuilder.end(count: 2, size: directory.count, offset: far + tail.count, isWide: true)
        try Data(start).write(to: URL(fileURLWithPath: path))
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seek(toOffset: UInt64(far))
        try handle.write(contentsOf: Data(tail + directory + end))
        try handle.close()
        let file = try WeightFile(path: path)
        let entry = try #require(file.entries["t"])
        #expect(bits(file.floats(of: entry)) == [0, 1, 2, 3, 4, 5])
    }

    @Test func compressedAndEncryptedEntriesAreRefusedByName() throws {
        #expect(refusal(of: try zip { $0.entries[2].method = 8 }).contains("zip entry 'w/data/0' is deflated"))
        #expect(refusal(of: try zip { $0.entries[2].method = 93 }).contains("is compressed by method 93"))
        #expect(refusal(of: try zip { $0.entries[0].flags = 1 }).contains("zip entry 'w/data.pkl' is encrypted"))
    }

    @Test func directoriesThatLieAreRefused() throws {
        let cases: [((inout StoredZipBuilder) -> Void, String)] = [
            ({ $0.entries[2].claimedSize = 1 << 20 }, "expected a place before the directory"),
            ({ $0.entries[2].claimedOffset = 1 << 20 }, "expected a place before the directory"),
            ({ $0.entries[2].claimedOffset = 3 }, "expected its local header at byte 3"),
            ({ $0.entries[2].claimedOffset = 0 }, "expected its local header at byte 0"),
            ({ $0.entries[2].claimedSize = 64 }, "'w/version': expected bytes of its own, found bytes of 'w/data/0'"),
            ({ $0.entries.append($0.entries[2]) }, "expected each name once"),
            ({ $0.entries[2].name = "w/a\nb" }, "expected a whole entry with a name in UTF-8"),
            ({ $0.entries[0].name = "data.pkl" }, "found a zip with 0 of them"),
            ({ $0.entries[2].name = "v/data.pkl" }, "found a zip with 2 of them"),
            ({ $0.entries[3].name = "w/constants.pkl" }, "found a TorchScript program"),
            ({ $0.entries[1].contents = Array("big".utf8) }, "expected byte order 'little', found 'big'"),
        ]
        for (change, says) in cases {
            for isWide in [false, true] {
                let text = refusal(
                    of: try zip { builder in
                        builder.isWide = isWide
                        change(&builder)
                    })
                #expect(text.contains(says), "\(text)")
            }
        }
    }

    @Test func everyTruncationIsRefused() throws {
        for name in ["views2.bin", "formats.bin"] {
            let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Golden.path(name))))
            for count in stride(from: 0, to: whole.count, by: 13) {
                let path = try scratch.write("cut", Array(whole[..<count]))
                #expect(throws: WeightError.self) { try WeightFile(path: path) }
            }
        }
        let path = try scratch.write("cut", Array([0x50, 0x4B, 3, 4] + [UInt8](repeating: 0, count: 100)))
        #expect(refusal(of: path).contains("zip: expected an end record, found none; the file is cut off or damaged"))
    }
}
