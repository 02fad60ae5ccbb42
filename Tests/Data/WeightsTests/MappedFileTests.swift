// Files that change while they are mapped.

import Foundation
import Testing

@testable import Weights

@Suite struct MappedFileTests {
    private let scratch: ScratchFolder
    private let path: String
    private let file: WeightFile
    private let entry: WeightEntry

    /// A file of several pages of ones.
    init() throws {
        scratch = try ScratchFolder()
        path = "\(scratch.path)/model.safetensors"
        try Safetensors.write([("a", [100_000], [Float](repeating: 1, count: 100_000))], to: path)
        file = try WeightFile(path: path)
        entry = try #require(file.entries["a"])
    }

    private func handle() throws -> FileHandle { try #require(FileHandle(forUpdatingAtPath: path)) }

    @Test func aShortenedFileIsReadAsZerosAndSaysSo() throws {
        #expect(file.isReadable)
        try handle().truncate(atOffset: 4096)
        let floats = file.floats(of: entry)
        #expect(floats.first == 1 && floats.last == 0)
        #expect(!file.isReadable)
        let error = #expect(throws: WeightError.self) { try file.requireReadable() }
        #expect(error?.code == .content)
        #expect(error?.description.contains("\(path): file: expected \(file.identity.size) bytes") == true)
        #expect(error?.description.contains("found 4096") == true)
    }

    /// Threads that compute read the same pages, and each of them meets the end of the file.
    @Test func manyReadersOfAShortenedFileGoOn() async throws {
        let other = try WeightFile(path: path)
        try handle().truncate(atOffset: 4096)
        let (file, entry) = (file, entry)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { #expect(file.floats(of: entry).last == 0) } }
        }
        #expect(!file.isReadable)
        // Nobody has read by way of the other one yet.
        #expect(other.isReadable)
        #expect(other.floats(of: entry).last == 0 && !other.isReadable)
    }

    @Test func aFileThatIsMadeLongerAgainStaysUnreadable() throws {
        try handle().truncate(atOffset: 4096)
        #expect(file.floats(of: entry).last == 0)
        try handle().truncate(atOffset: UInt64(file.identity.size))
        #expect(!file.isReadable)
        let error = #expect(throws: WeightError.self) { try file.requireReadable() }
        #expect(error?.description.contains("found some that its disc does not give") == true)
    }

    @Test func aRemovedFileIsReadToItsEnd() throws {
        try FileManager.default.removeItem(atPath: path)
        #expect(file.floats(of: entry).last == 1 && file.isReadable)
        #expect(try file.currentIdentity().links == 0)
    }

    @Test func everyChangeGivesAnotherIdentity() throws {
        #expect(try file.currentIdentity() == file.identity)
        var seen: Set<FileIdentity> = [file.identity]
        func expectAnother(_ what: Comment) throws { #expect(seen.insert(try file.currentIdentity()).inserted, what) }
        let handle = try handle()
        try handle.seek(toOffset: UInt64(file.identity.size - 1))
        try handle.write(contentsOf: [7])
        try expectAnother("another byte in place")
        try handle.truncate(atOffset: 8192)
        try expectAnother("shorter")
        #expect(chmod(path, 0o600) == 0)
        try expectAnother("other permissions")
        try Safetensors.write([("b", [1], [1])], to: path)
        try expectAnother("another file of its name")
    }

    @Test func theFileItselfIsReadAsItIsNow() throws {
        let expected = try Data(contentsOf: URL(fileURLWithPath: path))
        var bytes = [UInt8](repeating: 0, count: expected.count + 1)
        #expect(try bytes.withUnsafeMutableBytes { try file.read(at: 0, into: $0) } == expected.count)
        #expect(bytes.dropLast().elementsEqual(expected))
        try handle().truncate(atOffset: 4096)
        #expect(try bytes.withUnsafeMutableBytes { try file.read(at: 4096, into: $0) } == 0)
        #expect(file.isReadable)
    }
}
