// Folders that others write to as well: nothing is followed, and nothing else is removed.

import Files
import Foundation
import Testing

/// A folder that goes away with the test.
private final class Scratch {
    let path = FileManager.default.temporaryDirectory.path + "/folders-" + UUID().uuidString
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    func folder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
    }
    func write(_ name: String, _ text: String = "x") throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }
    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: target)
    }
    func names(_ name: String = ".") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(name)").sorted()
    }
}

@Suite struct FolderTests {
    @Test func entriesSayWhatTheyAre() throws {
        let scratch = try Scratch()
        try scratch.write("file")
        try scratch.folder("folder")
        try scratch.link("link", to: "folder")
        #expect(mkfifo("\(scratch.path)/pipe", 0o600) == 0)
        let folder = try Folder(path: scratch.path)
        for _ in 0..<2 {
            #expect(try folder.entries().map(\.name) == ["file", "folder", "link", "pipe"])
            #expect(try folder.entries().map(\.kind) == [.file, .folder, .link, .pipe])
        }
        #expect(try folder.kind(of: "link") == .link && folder.kind(of: "nothing") == nil)
    }

    @Test func aLinkIsNoFolderAndNoFile() throws {
        let scratch = try Scratch()
        try scratch.folder("folder")
        try scratch.write("file")
        try scratch.link("to-folder", to: "folder")
        try scratch.link("to-file", to: "file")
        let folder = try Folder(path: scratch.path)
        for attempt: () throws -> Void in [
            { _ = try folder.folder("to-folder") }, { _ = try folder.folder("file") },
            { _ = try folder.file("to-file") },
            { _ = try folder.file("folder") }, { _ = try Folder(path: "\(scratch.path)/to-folder") },
            { _ = try RegularFile(path: "\(scratch.path)/to-file") },
        ] {
            let failure = #expect(throws: FileFailure.self) { try attempt() }
            #expect(failure?.kind == .unexpected && failure?.reason.contains("expected a") == true)
        }
        _ = try Folder(path: "\(scratch.path)/to-folder", following: true)
        _ = try RegularFile(path: "\(scratch.path)/to-file", following: true)
    }

    /// It stays the folder that was opened, whatever somebody puts in its place.
    @Test func anOpenFolderIsNotExchanged() throws {
        let scratch = try Scratch()
        for name in ["mine", "theirs"] { try scratch.folder(name) }
        try scratch.write("theirs/notes")
        let folder = try Folder(path: "\(scratch.path)/mine")
        #expect(rename("\(scratch.path)/mine", "\(scratch.path)/aside") == 0)
        try scratch.link("mine", to: "theirs")
        let file = try BufferedFile("new", in: folder, capacity: 8)
        try file.finish(syncing: false)
        try folder.removeContents()
        #expect(try scratch.names("theirs") == ["notes"] && scratch.names("aside") == [])
    }

    @Test func aTreeGoesAndWhatItsLinksPointToStays() throws {
        let scratch = try Scratch()
        try scratch.folder("theirs")
        try scratch.write("theirs/notes")
        try scratch.folder("tree/a/b/c")
        for name in ["tree/1", "tree/a/2", "tree/a/b/c/3"] { try scratch.write(name) }
        for name in ["tree/l", "tree/a/l", "tree/a/b/l"] { try scratch.link(name, to: "\(scratch.path)/theirs") }
        let folder = try Folder(path: scratch.path)
        try folder.removeTree("tree")
        try folder.removeTree("tree")
        try scratch.link("linked", to: "theirs")
        try folder.removeTree("linked")
        #expect(try scratch.names() == ["theirs"] && scratch.names("theirs") == ["notes"])
    }

    @Test func depthCostsNeitherStackNorDescriptors() throws {
        let scratch = try Scratch()
        try scratch.folder("tree")
        var innermost = open("\(scratch.path)/tree", O_RDONLY | O_DIRECTORY)
        for _ in 0..<30_000 {
            #expect(mkdirat(innermost, "d", 0o755) == 0)
            let next = openat(innermost, "d", O_RDONLY | O_DIRECTORY)
            close(innermost)
            innermost = next
        }
        close(innermost)
        try Folder(path: scratch.path).removeTree("tree")
        #expect(try scratch.names() == [])
    }

    @Test func nothingIsMovedOverWhatIsThere() throws {
        let scratch = try Scratch()
        try scratch.folder("to")
        for name in ["a", "to/a", "b"] { try scratch.write(name, name) }
        let from = try Folder(path: scratch.path), to = try from.folder("to")
        let failure = #expect(throws: FileFailure.self) { try from.move("a", to: to, as: "a") }
        #expect(failure?.number == EEXIST)
        try from.move("b", to: to, as: "c")
        #expect(try scratch.names() == ["a", "to"] && scratch.names("to") == ["a", "c"])
    }

    @Test func aLinkedNameIsTheFileThatWasOpened() throws {
        let scratch = try Scratch()
        for name in ["file", "other"] { try scratch.write(name, name) }
        let folder = try Folder(path: scratch.path)
        let file = try folder.file("file", size: 4)
        try folder.link(file, as: "second")
        #expect(rename("\(scratch.path)/other", "\(scratch.path)/file") == 0)
        let failure = #expect(throws: FileFailure.self) { try folder.link(file, as: "third") }
        #expect(failure?.kind == .unexpected)
        #expect(try scratch.names() == ["file", "second"])
    }
}

@Suite struct RegularFileTests {
    @Test(.timeLimit(.minutes(1))) func pipesAndDevicesAreRefusedAtOnce() throws {
        let scratch = try Scratch()
        #expect(mkfifo("\(scratch.path)/pipe", 0o600) == 0)
        for path in ["\(scratch.path)/pipe", "/dev/zero", scratch.path] {
            let failure = #expect(throws: FileFailure.self) { try RegularFile(path: path, following: true) }
            #expect(failure?.kind == .unexpected, "\(path)")
        }
    }

    @Test func theSizeIsWhatWasRecorded() throws {
        let scratch = try Scratch()
        try scratch.write("file", "1234")
        let path = "\(scratch.path)/file"
        #expect(try RegularFile(path: path, size: 4).contents(limit: 4) == Array("1234".utf8))
        for size in [3, 5, -1, 1 << 62] {
            let failure = #expect(throws: FileFailure.self) { try RegularFile(path: path, size: size) }
            #expect(failure?.kind == .unexpected && failure?.reason.contains("found 4 bytes") == true)
        }
        let failure = #expect(throws: FileFailure.self) { try RegularFile(path: path).contents(limit: 3) }
        #expect(failure?.reason == "expected at most 3 bytes, found 4")
    }
}
