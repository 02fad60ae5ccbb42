// Tar files against the system's own readers, and damaged ones.

import Files
import Foundation
import Testing

@testable import Archives

/// A folder that goes away with the test.
private final class Folder {
    let path = NSTemporaryDirectory() + "archives-\(UUID().uuidString)"
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    func file(_ name: String) -> String { path + "/" + name }
}

private let members: [(name: String, contents: [UInt8])] = [
    ("000000139.png", (0..<1500).map { UInt8($0 % 251) }),
    ("000000139.json", Array(#"{"objects":[]}"#.utf8)),
    ("empty", []),
    ("exactly-a-block", [UInt8](repeating: 7, count: 512)),
    (String(repeating: "folder/", count: 20) + "deep.png", [1, 2, 3]),
    ("caf\u{00E9}.txt", [9]),
]

private func write(_ path: String, _ list: [(name: String, contents: [UInt8])] = members) throws -> Int {
    let writer = try TarWriter(path: path)
    for member in list { try writer.append(name: member.name, contents: member.contents) }
    return try writer.finish()
}

private func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

/// The output of a command, both streams.
private func output(_ command: String...) throws -> (status: Int32, text: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.environment = ["LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": "/usr/local/bin:/usr/bin:/bin"]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
}

@Suite struct TarWriterTests {
    @Test func theSameMembersGiveTheSameBytes() throws {
        let folder = try Folder()
        let size = try write(folder.file("a.tar"))
        _ = try write(folder.file("b.tar"))
        let first = try bytes(folder.file("a.tar"))
        #expect(try bytes(folder.file("b.tar")) == first)
        #expect(first.count == size && size % 10_240 == 0)
    }

    @Test func theSystemsTarListsWhatWasWritten() throws {
        let folder = try Folder()
        _ = try write(folder.file("a.tar"))
        let listing = try output("tar", "--numeric-owner", "--quoting-style=literal", "-tvf", folder.file("a.tar"))
        #expect(listing.status == 0)
        let lines = listing.text.split(separator: "\n").map {
            $0.split(separator: " ", omittingEmptySubsequences: true)
        }
        #expect(lines.map { String($0[5]) } == members.map(\.name))
        #expect(lines.map { Int($0[2]) } == members.map(\.contents.count))
        #expect(lines.allSatisfy { $0[0] == "-rw-r--r--" && $0[1] == "0/0" && $0[3] == "1970-01-01" })
    }

    @Test func theSystemsTarExtractsTheSameBytes() throws {
        let folder = try Folder()
        _ = try write(folder.file("a.tar"))
        #expect(try output("tar", "-C", folder.path, "-xf", folder.file("a.tar")).text == "")
        for member in members { #expect(try bytes(folder.file(member.name)) == member.contents) }
    }

    @Test(.enabled(if: (try? output("python3", "-V").status) == 0, "python3 is not installed"))
    func pythonWritesTheSameHeadersAndContents() throws {
        let folder = try Folder()
        _ = try write(folder.file("a.tar"))
        // Python leaves the device fields of plain files empty or "0000000" by version: they and the checksum are blanked in both.
        let program = """
            import io, sys, tarfile
            path, again = sys.argv[1], io.BytesIO()
            with tarfile.open(path) as source, tarfile.open(fileobj=again, mode="w", format=tarfile.USTAR_FORMAT) as target:
                members = source.getmembers()
                for member in members: target.addfile(member, source.extractfile(member))
            ours, theirs = bytearray(open(path, "rb").read()), bytearray(again.getvalue())
            for member in members:
                for data in (ours, theirs):
                    data[member.offset + 148:member.offset + 156] = bytes(8)
                    data[member.offset + 329:member.offset + 345] = bytes(16)
            print("same" if ours == theirs else "different")
            """
        let judged = try output("python3", "-c", program, folder.file("a.tar"))
        #expect(judged.text == "same\n")
    }

    @Test func membersLargerThanTheBufferAreWhole() throws {
        let folder = try Folder()
        let big = (0..<2_500_001).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        _ = try write(folder.file("a.tar"), [("small", [1]), ("big", big), ("last", [2])])
        let listed = try TarReader(path: folder.file("a.tar")).members()
        #expect(listed.map(\.name) == ["small", "big", "last"])
        #expect(try TarReader(path: folder.file("a.tar")).contents(of: listed[1]) == big)
        #expect(try output("tar", "-tf", folder.file("a.tar")).text == "small\nbig\nlast\n")
    }

    @Test(arguments: [
        "", "/absolute", "up/../down", "./here", "double//slash", "folder/", "nul\u{0}",
        String(repeating: "x", count: 101), String(repeating: "y", count: 156) + "/z",
    ])
    func namesThatCannotBeStoredAreRefused(name: String) throws {
        let folder = try Folder()
        let writer = try TarWriter(path: folder.file("a.tar"))
        let error = #expect(throws: ArchiveError.self) { try writer.append(name: name, contents: []) }
        #expect(error?.code == .invalidName)
        #expect(error?.description.contains(folder.file("a.tar")) == true)
        try writer.finish()
    }

    @Test func aNameIsTakenOnce() throws {
        let folder = try Folder()
        let writer = try TarWriter(path: folder.file("a.tar"))
        try writer.append(name: "a", contents: [])
        let error = #expect(throws: ArchiveError.self) { try writer.append(name: "a", contents: [1]) }
        #expect(error?.code == .invalidName)
        try writer.finish()
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "this system has no /dev/full"))
    func aFullDiscHasItsOwnCode() throws {
        let writer = try TarWriter(path: "/dev/full")
        try writer.append(name: "a", contents: [1])
        let error = #expect(throws: ArchiveError.self) { try writer.finish() }
        #expect(error?.code == .full)
        #expect(error?.description.contains("/dev/full") == true)
    }

    @Test func anUnwritablePlaceIsNamed() {
        let error = #expect(throws: ArchiveError.self) { try TarWriter(path: "/nowhere/a.tar") }
        #expect(error?.code == .missing)
        #expect(error?.description.contains("/nowhere/a.tar") == true)
    }
}

@Suite struct TarReaderTests {
    @Test func readingGivesNamesAndContentsBack() throws {
        let folder = try Folder()
        _ = try write(folder.file("a.tar"))
        var read: [(String, [UInt8])] = []
        try TarReader(path: folder.file("a.tar")).forEachMember { name, contents in
            read.append((name, contents))
            return true
        }
        #expect(read.map(\.0) == members.map(\.name))
        #expect(read.map(\.1) == members.map(\.contents))
    }

    @Test func readingStopsWhenToldTo() throws {
        let folder = try Folder()
        _ = try write(folder.file("a.tar"))
        var names: [String] = []
        try TarReader(path: folder.file("a.tar")).forEachMember { name, _ in
            names.append(name)
            return names.count < 2
        }
        #expect(names == members[..<2].map(\.name))
    }

    @Test func theSystemsUstarArchivesAreRead() throws {
        let folder = try Folder()
        try Data([4, 5]).write(to: URL(fileURLWithPath: folder.file("x.bin")))
        let made = try output("tar", "--format=ustar", "-C", folder.path, "-cf", folder.file("a.tar"), "x.bin")
        #expect(made.status == 0)
        let listed = try TarReader(path: folder.file("a.tar")).members()
        #expect(listed == [TarMember(name: "x.bin", offset: 512, size: 2)])
    }

    /// What reading says of an archive of one 600-byte member after `damage`.
    private func failure(_ damage: (inout [UInt8]) -> Void) throws -> ArchiveError? {
        let folder = try Folder()
        _ = try write(folder.file("a.tar"), [("first", [1]), ("second", [UInt8](repeating: 1, count: 600))])
        var data = try bytes(folder.file("a.tar"))
        damage(&data)
        try Data(data).write(to: URL(fileURLWithPath: folder.file("a.tar")))
        let error = #expect(throws: ArchiveError.self) { try TarReader(path: folder.file("a.tar")).members() }
        #expect(error?.description.contains(folder.file("a.tar")) == true)
        return error
    }

    @Test(arguments: [
        (0, 0), (100, 0), (1024, 1024), (1300, 1024), (1536, 1024), (2100, 1024), (2560, 2560), (3072, 3072),
    ])
    func aCutArchiveNamesTheByte(length: Int, offset: Int) throws {
        let error = try failure { $0.removeSubrange(length...) }
        #expect(error?.code == .truncated)
        #expect(error?.description.contains("at byte \(offset)") == true)
    }

    @Test func aFlippedBitInAHeaderIsNoticed() throws {
        let error = try failure { $0[1024 + 3] ^= 1 }
        #expect(error?.code == .checksum)
        #expect(error?.description.contains("at byte 1024") == true)
    }

    @Test func anythingElseIsNotUstar() throws {
        #expect(try failure { $0 = [UInt8](repeating: 65, count: 2048) }?.code == .notUstar)
    }

    @Test func aSizeBeyondTheFileIsRefused() throws {
        let header = TarHeader(name: "second", size: 1 << 30).encoded()
        let error = try failure { $0.replaceSubrange(1024..<1536, with: header) }
        #expect(error?.code == .truncated)
        #expect(error?.description.contains("expected 1073741824 bytes") == true)
    }

    @Test func aLinkIsRefusedByName() throws {
        let folder = try Folder()
        let made = try output("sh", "-c", "cd \(folder.path) && ln -s target link && tar --format=ustar -cf a.tar link")
        #expect(made.status == 0)
        let error = #expect(throws: ArchiveError.self) { try TarReader(path: folder.file("a.tar")).members() }
        #expect(error?.code == .unsupportedMember)
        #expect(error?.description.contains("'link'") == true)
    }

    @Test(.timeLimit(.minutes(1))) func onlyARegularFileIsRead() throws {
        let folder = try Folder()
        _ = try write(folder.file("a.tar"))
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("link"), withDestinationPath: folder.file("a.tar"))
        #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
        #expect(try TarReader(path: folder.file("link"), following: true).members().count == members.count)
        for path in ["link", "pipe", "."] {
            let error = #expect(throws: ArchiveError.self) { try TarReader(path: folder.file(path)) }
            #expect(error?.code == .irregular && error?.description.contains(folder.file(path)) == true)
        }
        #expect(throws: ArchiveError.self) { try TarReader(path: "/dev/zero", following: true) }
    }

    /// An archive is what its bytes are, wherever they are read from.
    @Test func anArchiveIsReadFromAnyReader() throws {
        let folder = try Folder()
        let size = try write(folder.file("a.tar"))
        let whole = try bytes(folder.file("a.tar"))
        let archive = TarReader(MemoryReader(whole, place: "memory:a"))
        #expect(archive.size == size && archive.place == "memory:a")
        #expect(try archive.members() == TarReader(path: folder.file("a.tar")).members())
        var contents: [[UInt8]] = []
        try archive.forEachMember { _, bytes in
            contents.append(bytes)
            return true
        }
        #expect(contents == members.map(\.contents))
        let cut = TarReader(MemoryReader(Array(whole.prefix(700)), place: "memory:a"))
        let error = #expect(throws: ArchiveError.self) { try cut.members() }
        #expect(error?.code == .truncated && error?.description.contains("memory:a") == true)
    }

    @Test func aMissingArchiveIsNamed() {
        let error = #expect(throws: ArchiveError.self) { try TarReader(path: "/nowhere.tar").members() }
        #expect(error?.code == .missing)
    }
}
