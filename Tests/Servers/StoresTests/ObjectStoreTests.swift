// The object directory: what it keeps, what it refuses, what crashes leave.

import Digests
import Foundation
import Testing

@testable import Stores

/// A store in a folder that goes away with the test.
final class Fixture {
    let root = NSTemporaryDirectory() + "stores-\(UUID().uuidString)"
    let store: ObjectStore
    init() throws {
        try StoreIdentity.made.write(root: root)
        store = try ObjectStore(root: root, of: .made)
    }
    deinit { try? FileManager.default.removeItem(atPath: root) }
    func makeOld(_ path: String, seconds: Double) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -seconds)], ofItemAtPath: store.absolutePath(of: path))
    }
    func write(_ path: String) throws {
        let file = URL(fileURLWithPath: "\(root)/\(path)")
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data("x".utf8).write(to: file)
    }
    var temporaries: [String] { (try? FileManager.default.contentsOfDirectory(atPath: root + "/tmp")) ?? ["?"] }
}

extension StoreIdentity {
    /// The identity of a catalogue that these tests made up.
    static let made = StoreIdentity(
        catalogue: String(repeating: "0123456789abcdef", count: 2), place: "database made, at nowhere:1")
}

private let abc = Array("abc".utf8)
/// FIPS 180-4's example.
private let abcHex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

@Suite struct ObjectStoreTests {
    @Test func anObjectIsNamedByItsContent() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put(abc, extension: "png")
        #expect(object.digest.hex == abcHex && object.size == 3)
        #expect(object.path == "objects/ba/\(abcHex.dropFirst(2)).png")
        let file = URL(fileURLWithPath: fixture.store.absolutePath(of: object.path))
        #expect(Array(try Data(contentsOf: file)) == abc)
        #expect(try fixture.store.read(object.digest, size: object.size, extension: "png") == abc)
        #expect(fixture.temporaries == [])
    }

    @Test func puttingTwiceKeepsTheFirstFile() throws {
        let fixture = try Fixture()
        let first = try fixture.store.put(abc, extension: "png")
        let file = fixture.store.absolutePath(of: first.path)
        let inode = try Disc.status(file)?.st_ino
        #expect(try fixture.store.put(abc, extension: "png") == first)
        #expect(try Disc.status(file)?.st_ino == inode)
    }

    @Test func aFileOfAnotherSizeIsReplaced() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put(abc, extension: "png")
        try Data("ab".utf8).write(to: URL(fileURLWithPath: fixture.store.absolutePath(of: object.path)))
        _ = try fixture.store.put(abc, extension: "png")
        #expect(try fixture.store.read(object.digest, size: object.size, extension: "png") == abc)
    }

    @Test func puttingAgainMakesAnObjectYoungAgain() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put(abc, extension: "png")
        try fixture.makeOld(object.path, seconds: 7200)
        #expect(try #require(try fixture.store.age(of: object.path)) > .seconds(7000))
        _ = try fixture.store.put(abc, extension: "png")
        #expect(try !fixture.store.remove(object.path, olderThan: .seconds(3600)))
        #expect(try fixture.store.contains(object.digest, extension: "png"))
    }

    @Test func onlyOldFilesAreRemovedByAge() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put(abc, extension: "png")
        #expect(try !fixture.store.remove(object.path, olderThan: .seconds(3600)))
        try fixture.makeOld(object.path, seconds: 7200)
        #expect(try fixture.store.remove(object.path, olderThan: .seconds(3600)))
        #expect(try !fixture.store.remove(object.path, olderThan: .seconds(3600)))
        #expect(try !fixture.store.remove("objects/zz/nothing.png", olderThan: .zero))
    }

    @Test func aDamagedFileOfTheSameSizeIsReplaced() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put(abc, extension: "png")
        try Data("abd".utf8).write(to: URL(fileURLWithPath: fixture.store.absolutePath(of: object.path)))
        _ = try fixture.store.put(abc, extension: "png")
        #expect(try fixture.store.read(object.digest, size: object.size, extension: "png") == abc)
    }

    @Test func aBatchKeepsItsOrderAndItsDoubles() throws {
        let fixture = try Fixture()
        let items = (0..<40).map { [UInt8($0 % 30), 1, 2] }
        let objects = try fixture.store.put(items, extension: "bin")
        #expect(objects.map(\.digest) == items.map { SHA256.digest(of: $0) })
        for (object, item) in zip(objects, items) {
            #expect(try fixture.store.read(object.digest, size: object.size, extension: "bin") == item)
        }
        #expect(try fixture.store.allObjects().count == 30)
        #expect(fixture.temporaries == [])
        #expect(try fixture.store.put([[UInt8]](), extension: "bin") == [])
    }

    @Test func damageIsNoticedWhenReading() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put(abc, extension: "png")
        try Data("abd".utf8).write(to: URL(fileURLWithPath: fixture.store.absolutePath(of: object.path)))
        let error = #expect(throws: StoreError.self) {
            try fixture.store.read(object.digest, size: object.size, extension: "png")
        }
        #expect(error?.code == .corrupt)
        #expect(error?.description.contains(abcHex) == true)
        let other = #expect(throws: StoreError.self) {
            try fixture.store.verify(object.path, size: object.size, digest: object.digest)
        }
        #expect(other?.code == .corrupt)
    }

    @Test func whatIsNotThereIsMissing() throws {
        let fixture = try Fixture()
        let digest = SHA256.digest(of: abc)
        #expect(try !fixture.store.contains(digest, extension: "png"))
        #expect(try !fixture.store.remove(digest, extension: "png"))
        let error = #expect(throws: StoreError.self) { try fixture.store.read(digest, size: 3, extension: "png") }
        #expect(error?.code == .missing)
        let other = #expect(throws: StoreError.self) {
            try fixture.store.verify("shards/a/a.tar", size: 1, digest: digest)
        }
        #expect(other?.code == .missing)
    }

    @Test func aRemovedObjectIsGoneAndMayComeBack() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put(abc, extension: "png")
        #expect(try fixture.store.contains(object.digest, extension: "png"))
        #expect(try fixture.store.remove(object.digest, extension: "png"))
        #expect(try !fixture.store.contains(object.digest, extension: "png"))
        // The folder too: the store remembers having made it, and must notice.
        try FileManager.default.removeItem(atPath: fixture.root + "/objects/ba")
        #expect(try fixture.store.put(abc, extension: "png") == object)
    }

    @Test(arguments: ["", "PNG", "a/b", "..", "p ng", "abcdefghijklmnopq"])
    func extensionsAreChecked(name: String) throws {
        let fixture = try Fixture()
        let error = #expect(throws: StoreError.self) { try fixture.store.put(abc, extension: name) }
        #expect(error?.code == .invalid)
    }

    @Test func aRelativeRootBecomesAbsolute() throws {
        let fixture = try Fixture()
        let again = try ObjectStore(root: fixture.root + "/tmp/../", of: .made)
        #expect(again.root == fixture.root)
    }

    @Test func aRootThatIsAFileIsRefused() throws {
        let fixture = try Fixture()
        try Data().write(to: URL(fileURLWithPath: fixture.root + "/file"))
        let error = #expect(throws: StoreError.self) { try ObjectStore(root: fixture.root + "/file", of: .made) }
        #expect(error?.code == .away)
    }
}

@Suite struct ShardTests {
    @Test func aShardsPathHoldsItsJobAndNumber() throws {
        let store = try Fixture().store
        #expect(try store.path(ofShard: "val-2017.easy", number: 12) == "shards/val-2017.easy/val-2017.easy-000012.tar")
        #expect(try store.path(ofShard: "a", number: 1_234_567) == "shards/a/a-1234567.tar")
    }

    @Test(arguments: [
        "", "../up", "a/b", ".hidden", "-x", "a b", "a\n", "\u{00E9}", String(repeating: "a", count: 101),
    ])
    func namesThatWouldLeaveTheFolderAreRefused(job: String) throws {
        let error = #expect(throws: StoreError.self) { try Fixture().store.path(ofShard: job, number: 0) }
        #expect(error?.code == .invalid)
    }

    @Test func committingMovesTheFileOverWhatIsThere() throws {
        let fixture = try Fixture()
        let path = try fixture.store.path(ofShard: "job", number: 0)
        for text in ["first", "second"] {
            let temporary = fixture.store.temporaryPath()
            try Data(text.utf8).write(to: URL(fileURLWithPath: temporary))
            try fixture.store.commit(temporary: temporary, to: path)
            try fixture.store.verify(path, size: text.utf8.count, digest: SHA256.digest(of: text))
        }
        #expect(fixture.temporaries == [])
    }

    @Test(arguments: ["job.tar", "shards/../../x.tar", "/etc/x", "tmp/x", "shards//x", "shards"])
    func committingOutsideIsRefused(path: String) throws {
        let fixture = try Fixture()
        let temporary = fixture.store.temporaryPath()
        try Data().write(to: URL(fileURLWithPath: temporary))
        let error = #expect(throws: StoreError.self) { try fixture.store.commit(temporary: temporary, to: path) }
        #expect(error?.code == .invalid)
        #expect(fixture.temporaries.count == 1)
    }

    @Test func onlyATemporaryFileIsCommitted() throws {
        let fixture = try Fixture()
        for temporary in ["/etc/hostname", fixture.root + "/tmp/../objects/x", "x"] {
            let error = #expect(throws: StoreError.self) {
                try fixture.store.commit(temporary: temporary, to: "shards/a/a-000000.tar")
            }
            #expect(error?.code == .invalid)
        }
        let error = #expect(throws: StoreError.self) {
            try fixture.store.commit(temporary: fixture.store.temporaryPath(), to: "shards/a/a-000000.tar")
        }
        #expect(error?.code == .missing)
    }

    @Test func onlyOldTemporariesOfAStoreAreRemoved() throws {
        let fixture = try Fixture()
        let (old, new) = (fixture.store.temporaryPath(), fixture.store.temporaryPath())
        let folder = fixture.root + "/tmp/"
        let earlier = folder + "4711-6c0f3a9d27be1", examined = folder + ".doctor-4711-99.renamed"
        let foreign = ["2026-11", "notes.txt", "4711-abc", "detdiffusion-4711", ".doctor-x"]
        for file in [old, new, earlier, examined] + foreign.map({ folder + $0 }) {
            try Data().write(to: URL(fileURLWithPath: file))
            guard file != new else { continue }
            let twoDaysAgo = Date(timeIntervalSinceNow: -172_800)
            try FileManager.default.setAttributes([.modificationDate: twoDaysAgo], ofItemAtPath: file)
        }
        #expect(try fixture.store.removeStaleTemporaries(olderThan: .seconds(86_400)).count == 3)
        #expect(Set(fixture.temporaries.map { folder + $0 }) == Set([new] + foreign.map { folder + $0 }))
        #expect(Set(try fixture.store.foreignEntries()) == Set(foreign.map { "tmp/" + $0 }))
    }
}

/// Each runs the store in a child process with failpoints set.
@Suite struct CrashTests {
    private static func put(root: String, failpoints: String, _ items: [[UInt8]]) throws -> [StoredObject] {
        setenv("DETDIFFUSION_FAILPOINTS", failpoints, 1)
        return try ObjectStore(root: root, of: .made).put(items, extension: "png")
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
        for object in left { try fixture.store.verify(object.path, size: object.size, digest: object.digest) }
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
                let store = try ObjectStore(root: root, of: .made)
                let temporary = store.temporaryPath()
                try Data("shard".utf8).write(to: URL(fileURLWithPath: temporary))
                try store.commit(temporary: temporary, to: "shards/a/a-000000.tar")
            }
            let there = FileManager.default.fileExists(atPath: fixture.root + "/shards/a/a-000000.tar")
            #expect(there == isThere)
            #expect(fixture.temporaries.count == (isThere ? 0 : 1))
        }
    }
}
