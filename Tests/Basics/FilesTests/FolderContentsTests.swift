// Whatever stands in a folder goes, and nothing else does.

import Files
import Foundation
import Testing

@Suite struct FolderContentsTests {
    /// A folder of the test's own, with a neighbor that nobody may touch.
    private final class Place {
        let path: String
        let descriptor: Int32

        init(in parent: String = FileManager.default.temporaryDirectory.path) throws {
            path = parent + "/contents-" + UUID().uuidString
            for name in ["folder", "neighbor"] {
                try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
            }
            try Data("kept".utf8).write(to: URL(fileURLWithPath: path + "/neighbor/kept"))
            descriptor = open(path + "/folder", O_RDONLY | O_DIRECTORY)
            try #require(descriptor >= 0)
        }

        deinit {
            close(descriptor)
            do { try FileManager.default.removeItem(atPath: path) } catch { print("\(path): \(error)") }
        }

        /// What is left in the folder and beside it.
        func left() throws -> [String] {
            try ["folder", "neighbor"].flatMap { try FileManager.default.contentsOfDirectory(atPath: "\(path)/\($0)") }
        }

        func remove(within limit: Duration = .seconds(60)) throws(FileFailure) {
            try FolderContents.remove(from: descriptor, path: path + "/folder", deadline: .now + limit)
        }

        /// Folders in one another, each of which holds a file, made without a path.
        func nest(_ depth: Int) throws {
            var folder = dup(descriptor)
            defer { close(folder) }
            for _ in 0..<depth {
                try #require(mkdirat(folder, "deeper", 0o700) == 0)
                close(openat(folder, "file", O_CREAT | O_WRONLY, 0o600))
                let next = openat(folder, "deeper", O_RDONLY | O_DIRECTORY)
                try #require(next >= 0)
                close(folder)
                folder = next
            }
        }
    }

    @Test func thirtyThousandFoldersInOneAnotherGo() throws {
        // Discs take long to make them.
        let memory = "/dev/shm"
        let isThere = access(memory, W_OK) == 0
        let place = try isThere ? Place(in: memory) : Place()
        try place.nest(30_000)
        try place.remove()
        #expect(try place.left() == ["kept"])
    }

    @Test func linksAreRemovedAndNotFollowed() throws {
        let place = try Place()
        let folder = place.path + "/folder"
        try FileManager.default.createDirectory(atPath: folder + "/a/b", withIntermediateDirectories: true)
        for link in ["/link", "/a/link", "/a/b/link"] {
            try FileManager.default.createSymbolicLink(
                atPath: folder + link, withDestinationPath: place.path + "/neighbor")
        }
        try #require(mkfifo(folder + "/a/pipe", 0o600) == 0)
        try place.remove()
        #expect(try place.left() == ["kept"])
    }

    @Test func foldersWithoutRightsGo() throws {
        let place = try Place()
        let folder = place.path + "/folder"
        for path in ["/a/b/c", "/d"] {
            try FileManager.default.createDirectory(atPath: folder + path, withIntermediateDirectories: true)
        }
        for path in ["/a/b/c", "/a/b", "/a", "/d", ""] { try #require(chmod(folder + path, 0) == 0) }
        try place.remove()
        #expect(try place.left() == ["kept"])
    }

    @Test func namesThatAreNoTextAndNamesOfItsOwnGo() throws {
        let place = try Place()
        for name in [[0xFF, 0xFE], Array("removed-1".utf8), Array("removed-2".utf8)] as [[UInt8]] {
            let name = name.map { CChar(bitPattern: $0) } + [0]
            try #require(mkdirat(place.descriptor, name, 0o700) == 0)
            let inner = openat(place.descriptor, name, O_RDONLY | O_DIRECTORY)
            defer { close(inner) }
            for child in [name, Array("x".utf8CString)] { try #require(mkdirat(inner, child, 0o700) == 0) }
            close(openat(inner, "x/y", O_CREAT | O_WRONLY, 0o600))
        }
        try place.remove()
        #expect(try place.left() == ["kept"])
    }

    @Test func moreNamesThanAreHeldAtATimeGo() throws {
        let place = try Place()
        try #require(mkdirat(place.descriptor, "many", 0o700) == 0)
        for number in 0..<12_000 { close(openat(place.descriptor, "many/\(number)", O_CREAT | O_WRONLY, 0o600)) }
        try place.remove()
        #expect(try place.left() == ["kept"])
    }

    @Test func theDeadlineIsKept() throws {
        let place = try Place()
        try place.nest(3)
        let failure = #expect(throws: FileFailure.self) { try place.remove(within: .zero) }
        #expect(failure?.number == ETIME)
    }

    @Test(.enabled(if: geteuid() == 0, "mounting needs root"))
    func whatIsMountedThereIsNotEntered() throws {
        let place = try Place()
        let inner = place.path + "/folder/inner"
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
        // The neighbor on the same device: only the mount tells that it is another place.
        guard mount(place.path + "/neighbor", inner, nil, UInt(MS_BIND), nil) == 0 else {
            withKnownIssue("this sandbox mounts nothing") { Issue.record("\(String(cString: strerror(errno)))") }
            return
        }
        defer { umount(inner) }
        #expect(throws: FileFailure.self) { try place.remove() }
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.path + "/neighbor") == ["kept"])
        let failure = #expect(throws: FileFailure.self) {
            close(try FolderEntry.open("inner", in: place.descriptor, path: place.path, flags: O_RDONLY))
        }
        #expect(failure?.number == EXDEV)
    }
}
