// What is a folder's own: its files as they lie on the disc, its root, its scratch folder, and what crashes leave.

import Digests
import Files
import Foundation
import Testing

@testable import Stores

@Suite struct FolderStoreTests {
    @Test func anObjectIsAFileUnderItsKey() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put(abc, extension: "png")
        let file = URL(fileURLWithPath: "\(fixture.root)/objects/ba/\(abcHex.dropFirst(2)).png")
        #expect(Array(try Data(contentsOf: file)) == abc)
        #expect(fixture.store.place(of: .object(object.name)) == file.path)
        #expect(try fixture.store.localFile(.object(object.name), size: 3)?.path == file.path)
        #expect(fixture.temporaries == [])
    }

    @Test func puttingTwiceKeepsTheFirstFile() throws {
        let fixture = try Fixture()
        let first = try fixture.store.put(abc, extension: "png")
        let file = fixture.store.absolutePath(of: first.name.key)
        let inode = try Disc.status(file)?.st_ino
        #expect(try fixture.store.put(abc, extension: "png") == first)
        #expect(try Disc.status(file)?.st_ino == inode)
    }

    @Test func aFolderThatSomebodyRemovedIsMadeAgain() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put(abc, extension: "png")
        // The store remembers having made it, and must notice.
        try FileManager.default.removeItem(atPath: fixture.root + "/objects/ba")
        #expect(try fixture.store.put(abc, extension: "png") == object)
    }

    @Test func withoutTheFolderOfAllObjectsTheStoreIsAwayAndNoObjectIsMissing() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put(abc, extension: "png")
        try FileManager.default.removeItem(atPath: fixture.root + "/objects")
        let error = #expect(throws: StoreError.self) { try fixture.store.read(object.name, size: 3) }
        #expect(error?.code == .away && error?.description.contains("\(fixture.root)/objects") == true)
        let other = #expect(throws: StoreError.self) { try fixture.store.open(.archive(try archive()), size: nil) }
        #expect(other?.code == .missing)
    }

    @Test func aRelativeRootBecomesAbsolute() throws {
        let fixture = try Fixture()
        let again = try FolderStore(root: fixture.root + "/tmp/../", of: .made)
        #expect(again.root == fixture.root && again.place == fixture.root)
    }

    @Test func aRootThatIsAFileIsRefused() throws {
        let fixture = try Fixture()
        try Data().write(to: URL(fileURLWithPath: fixture.root + "/file"))
        let error = #expect(throws: StoreError.self) { try FolderStore(root: fixture.root + "/file", of: .made) }
        #expect(error?.code == .away)
    }

    @Test func onlyOldTemporariesOfAStoreAreRemoved() throws {
        let fixture = try Fixture()
        let scratch = fixture.store.ownScratch
        let (old, new) = (scratch.newFile().path, scratch.newFile().path)
        let folder = fixture.root + "/tmp/"
        let earlier = folder + "4711-6c0f3a9d27be1", examined = folder + ".doctor-4711-99.renamed"
        let foreign = ["2026-11", "notes.txt", "4711-abc", "detdiffusion-4711", ".doctor-x"]
        for file in [old, new, earlier, examined] + foreign.map({ folder + $0 }) {
            try Data().write(to: URL(fileURLWithPath: file))
            guard file != new else { continue }
            let twoDaysAgo = Date(timeIntervalSinceNow: -172_800)
            try FileManager.default.setAttributes([.modificationDate: twoDaysAgo], ofItemAtPath: file)
        }
        #expect(try fixture.store.removeAbandoned(olderThan: .seconds(86_400), removing: false).count == 3)
        #expect(try fixture.store.removeAbandoned(olderThan: .seconds(86_400), removing: true).count == 3)
        #expect(Set(fixture.temporaries.map { folder + $0 }) == Set([new] + foreign.map { folder + $0 }))
        #expect(Set(try fixture.store.foreignEntries()) == Set(foreign.map { "tmp/" + $0 }))
    }
}

@Suite struct ScratchTests {
    private static let memory = "/dev/shm"
    private static var hasTwoFileSystems: Bool {
        var (here, there) = (stat(), stat())
        return stat(NSTemporaryDirectory(), &here) == 0 && stat(memory, &there) == 0 && here.st_dev != there.st_dev
            && access(memory, W_OK) == 0
    }

    @Test func aFolderIsMadeAndOnlyThisUsersOldFilesGo() throws {
        let fixture = try Fixture()
        let scratch = try ScratchFolder(path: fixture.root + "/x/../scratch/of/packers/")
        #expect(scratch.path == fixture.root + "/scratch/of/packers")
        let (old, new) = (scratch.newFile().path, scratch.newFile().path)
        // A name as earlier stores gave it in their own folder; here it is the user's.
        let others = ["notes", "1700000000-0123456789ab"]
        let foreign = others.map { "\(scratch.path)/\($0)" }
        for file in [old, new] + foreign { try Data("12345".utf8).write(to: URL(fileURLWithPath: file)) }
        for file in [old] + foreign {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -172_800)], ofItemAtPath: file)
        }
        let removed = try scratch.removeStale(olderThan: .seconds(86_400))
        #expect(removed == (1, 5))
        let left = Set(try FileManager.default.contentsOfDirectory(atPath: scratch.path))
        #expect(left == Set(others + [String(new.split(separator: "/").last ?? "")]))
    }

    @Test func aScratchFolderThatCannotBeIsRefused() throws {
        let fixture = try Fixture()
        try fixture.plant("file", "x")
        let error = #expect(throws: StoreError.self) { try ScratchFolder(path: fixture.root + "/file/scratch") }
        #expect(error?.description.contains(fixture.root + "/file/scratch") == true)
    }

    @Test(.enabled(if: hasTwoFileSystems, "needs a second file system at /dev/shm"))
    func aFileOfAnotherFileSystemIsCopiedAndHeldAgainstItsDigest() throws {
        let fixture = try Fixture()
        let scratch = try ScratchFolder(path: "\(Self.memory)/stores-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(atPath: scratch.path) }
        let file = scratch.newFile()
        let bytes = (0..<2_500_001).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try Data(bytes).write(to: URL(fileURLWithPath: file.path))
        let error = #expect(throws: StoreError.self) {
            try fixture.store.publish(file, as: try archive(), digest: SHA256.digest(of: "other"))
        }
        #expect(error?.code == .corrupt && error?.description.contains(file.path) == true)
        #expect(try fixture.store.entry(.archive(try archive())) == nil && fixture.temporaries == [])
        try fixture.store.publish(file, as: try archive(), digest: SHA256.digest(of: bytes))
        try fixture.store.verify(.archive(try archive()), size: bytes.count, digest: SHA256.digest(of: bytes))
        #expect(fixture.temporaries == [] && !FileManager.default.fileExists(atPath: file.path))
    }
}

/// Each runs the store in a child process with failpoints set.
@Suite struct CrashTests {
    private static func put(root: String, failpoints: String, _ items: [[UInt8]]) throws -> [StoredObject] {
        setenv("DETDIFFUSION_FAILPOINTS", failpoints, 1)
        return try FolderStore(root: root, of: .made).put(items, extension: "png")
    }

    @Test func aKillBeforeTheRenameLeavesNoObject() async throws {
        let fixture = try Fixture()
        await #expect(processExitsWith: .signal(SIGKILL)) { [root = fixture.root as String] in
            _ = try Self.put(root: root, failpoints: "store.after-write=kill", [[1]])
        }
        #expect(try fixture.store.allObjects() == [])
        #expect(fixture.temporaries.count == 1)
        _ = try fixture.store.put([1], extension: "png")
        #expect(try fixture.store.allObjects().count == 1)
    }

    @Test func aKillAmidABatchLeavesWholeObjects() async throws {
        let fixture = try Fixture()
        await #expect(processExitsWith: .signal(SIGKILL)) { [root = fixture.root as String] in
            _ = try Self.put(root: root, failpoints: "store.after-rename=kill@2", [[1], [2], [3]])
        }
        let left = try fixture.store.allObjects()
        #expect(Set(left.map(\.digest)) == [SHA256.digest(of: [1]), SHA256.digest(of: [2])])
        for object in left { try fixture.store.verify(.object(object.name), size: object.size, digest: object.digest) }
        #expect(try fixture.store.put([[1], [2], [3]], extension: "png").count == 3)
    }

    @Test func aFullDiscHasItsOwnCodeAndLeavesNothing() async throws {
        let fixture = try Fixture()
        await #expect(processExitsWith: .exitCode(7)) { [root = fixture.root as String] in
            do {
                _ = try Self.put(root: root, failpoints: "store.full=error@2", [[1], [2], [3]])
            } catch let error as StoreError where error.code == .full && error.description.contains("free space") {
                exit(7)
            }
        }
        #expect(try fixture.store.allObjects() == [])
        #expect(fixture.temporaries == [])
    }

    @Test func aKillAroundACommitLeavesTheShardWholeOrAbsent() async throws {
        for (failpoint, isThere) in [("store.before-commit", false), ("store.after-commit", true)] {
            let fixture = try Fixture()
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [root = fixture.root as String, failpoint = failpoint as String] in
                setenv("DETDIFFUSION_FAILPOINTS", failpoint + "=kill", 1)
                let store = try FolderStore(root: root, of: .made)
                let file = store.ownScratch.newFile()
                try Data("shard".utf8).write(to: URL(fileURLWithPath: file.path))
                try store.publish(file, as: try archive(), digest: SHA256.digest(of: "shard"))
            }
            let there = FileManager.default.fileExists(atPath: fixture.root + "/" + (try archive().key))
            #expect(there == isThere)
            #expect(fixture.temporaries.count == (isThere ? 0 : 1))
        }
    }
}
