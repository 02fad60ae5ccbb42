// What somebody planted in an object directory is not read, not followed, and not removed.

import Digests
import Fixtures
import Foundation
import Testing

@testable import Stores

@Suite struct PlantedTests {
    /// A folder beside the store with a file that bears the name of one of a store's own, and is old enough to go.
    private func theirs(_ fixture: Fixture, _ name: String) throws -> String {
        let folder = fixture.root + ".theirs"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data("theirs".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -172_800)], ofItemAtPath: "\(folder)/\(name)")
        return folder
    }

    private func plantLink(_ fixture: Fixture, _ path: String, to folder: String) throws {
        let link = fixture.store.absolutePath(of: path)
        if FileManager.default.fileExists(atPath: link) { try FileManager.default.removeItem(atPath: link) }
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder)
    }

    @Test(.timeLimit(.minutes(1)), arguments: Plant.allCases)
    func whatIsNoFileOfTheRecordedSizeIsNotRead(plant: Plant) throws {
        let fixture = try Fixture()
        let object = try fixture.store.put([1, 2, 3], extension: "png")
        try plant.replace(fixture.store.absolutePath(of: object.name.key))
        for attempt: () throws -> Void in [
            { _ = try fixture.store.read(object.name, size: 3) },
            { try fixture.store.verify(.object(object.name), size: 3, digest: object.digest) },
            { _ = try fixture.store.digest(of: .object(object.name), size: 3) },
        ] {
            let error = #expect(throws: StoreError.self) { try attempt() }
            #expect(error?.code == .corrupt && error?.description.contains("expected a regular file") == true)
        }
        #expect(try fixture.store.size(of: .object(object.name)).map { $0 > 1 << 30 } ?? true)
        #expect(try fixture.store.entry(.object(object.name)) != nil)
        // A folder stays in the way; all else is replaced.
        guard plant != .folder else {
            let error = #expect(throws: StoreError.self) { try fixture.store.put([1, 2, 3], extension: "png") }
            #expect(error?.code.isOfTheSurroundings == true)
            return
        }
        #expect(try fixture.store.put([1, 2, 3], extension: "png") == object)
        #expect(try fixture.store.read(object.name, size: 3) == [1, 2, 3])
    }

    /// A record may claim as much as a sparse file does.
    @Test func noMoreThanAnImageTakesIsReadIntoMemory() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put([1], extension: "png")
        try Plant.sparse.replace(fixture.store.absolutePath(of: object.name.key))
        let size = try #require(try fixture.store.size(of: .object(object.name)))
        let error = #expect(throws: StoreError.self) {
            try fixture.store.read(object.name, size: size)
        }
        #expect(error?.code == .corrupt && error?.description.contains("at most 134217728 bytes") == true)
    }

    @Test(.timeLimit(.minutes(1)), arguments: Plant.allCases) func anIdentityIsASmallFile(plant: Plant) throws {
        let fixture = try Fixture()
        try plant.replace("\(fixture.root)/\(StoreIdentity.fileName)")
        let error = #expect(throws: StoreError.self) { try fixture.store.put([1], extension: "png") }
        #expect(error?.code == .invalid && error?.description.contains("identity file") == true)
    }

    @Test func linkedFoldersAreForeignAndNothingInThemIsListedOrRemoved() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put([1], extension: "png")
        let parts = object.name.key.split(separator: "/")
        let (objectFolder, name) = ("\(parts[0])/\(parts[1])", String(parts[2]))
        let temporary = "detdiffusion-1-0123456789abcdef"
        for file in [name, temporary, "job-000000.tar"] { _ = try theirs(fixture, file) }
        let folder = fixture.root + ".theirs"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try plantLink(fixture, objectFolder, to: folder)
        try plantLink(fixture, "shards/job", to: folder)
        try plantLink(fixture, "tmp", to: folder)
        #expect(try Set(fixture.store.foreignEntries()) == [objectFolder, "shards/job", "tmp"])
        #expect(try fixture.store.allObjects() == [] && fixture.store.archivedJobs() == [])
        #expect(try fixture.store.archives(ofJob: "job").archives.isEmpty)
        #expect(try fixture.store.removeAbandoned(olderThan: .zero, removing: true).count == 0)
        #expect(try !fixture.store.remove(.object(object.name), olderThan: .zero))
        #expect(try !fixture.store.remove(.archive(try archive()), olderThan: .zero))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 3)
        for path in ["objects", "shards"] {
            try plantLink(fixture, path, to: folder)
            #expect(try fixture.store.foreignEntries().contains(path))
        }
    }

    @Test(arguments: ["objects", "shards", "tmp", "objects/ba"])
    func aLinkInThePlaceOfAFolderIsRefusedBeforeAnythingIsWritten(path: String) throws {
        let fixture = try Fixture()
        let folder = fixture.root + ".theirs"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try plantLink(fixture, path, to: folder)
        let error = #expect(throws: StoreError.self) {
            _ = try FolderStore(root: fixture.root, of: .made).put(Array("abc".utf8), extension: "png")
        }
        #expect(error?.code == .other(ENOTDIR))
        #expect(error?.description.contains("\(path): expected a folder, found a symbolic link") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }

    @Test func aLinkAmongObjectsIsForeign() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put([1], extension: "png")
        let prefix = String(object.digest.hex.prefix(2))
        let link = "objects/\(prefix)/\(String(repeating: "f", count: 62)).png"
        try plantLink(fixture, link, to: fixture.store.absolutePath(of: object.name.key))
        let listed = try fixture.store.objects(withPrefix: prefix)
        #expect(listed.foreign == [link] && listed.objects == [object])
    }
}

@Suite struct SharedStoreTests {
    private func mode(_ path: String) throws -> mode_t {
        try #require(try Disc.status(path)).st_mode & 0o7777
    }

    @Test(arguments: [0o755, 0o775, 0o2775, 0o2755] as [mode_t])
    func foldersLetTheGroupWriteWhereTheRootDoes(root: mode_t) throws {
        let fixture = try Fixture()
        for folder in ["objects", "shards", "tmp"] {
            try FileManager.default.removeItem(atPath: fixture.store.absolutePath(of: folder))
        }
        #expect(chmod(fixture.root, root) == 0)
        let store = try FolderStore(root: fixture.root, of: .made)
        let object = try store.put([1], extension: "png")
        let expected = 0o755 | (root & 0o2020)
        for folder in ["objects", "shards", "tmp", String(object.name.key.prefix(10))] {
            #expect(try mode(store.absolutePath(of: folder)) == expected, "\(folder)")
        }
    }

    /// Two users of one group: each stores, packs, stores again and removes what the other made.
    @Test(.enabled(if: getuid() == 0, "needs root, to become two others"))
    func twoUsersOfAGroupShareAStore() async throws {
        let fixture = try Fixture()
        for folder in ["objects", "shards", "tmp"] {
            try FileManager.default.removeItem(atPath: fixture.store.absolutePath(of: folder))
        }
        #expect(chown(fixture.root, 0, 4_242) == 0 && chmod(fixture.root, 0o2775) == 0)
        for user in [4_001, 4_002, 4_001] as [uid_t] {
            await #expect(processExitsWith: .success) { [root = fixture.root as String, user = user as uid_t] in
                try become(user, group: 4_242)
                let store = try FolderStore(root: root, of: .made)
                let shared = try store.put([[1], [2], [UInt8(user & 7), 3]], extension: "png")
                let file = store.ownScratch.newFile()
                try Data("tar".utf8).write(to: URL(fileURLWithPath: file.path))
                try store.publish(file, as: try archive(), digest: SHA256.digest(of: "tar"))
                let (read, isRemoved) = (
                    try store.read(shared[0].name, size: 1),
                    try store.remove(.object(shared[1].name), olderThan: .zero)
                )
                precondition(read == [1] && isRemoved)
            }
        }
    }

    @Test(.enabled(if: getuid() == 0, "needs root, to become somebody else"))
    func aFolderThatKeepsAUserOutIsNamedWithItsMode() async throws {
        let fixture = try Fixture()
        await #expect(processExitsWith: .success) { [root = fixture.root as String] in
            try become(4_001, group: 4_242)
            do {
                _ = try FolderStore(root: root, of: .made)
                preconditionFailure("expected a refusal")
            } catch let error as StoreError {
                precondition(error.code == .readOnly, "\(error)")
                precondition(
                    error.description.contains("/tmp has mode 755, user 0, group 0; let this user write there"),
                    "\(error)")
            }
        }
    }
}

/// Gives this process to a user for good.
private func become(_ user: uid_t, group: gid_t) throws {
    guard setgroups(0, nil) == 0, setgid(group) == 0, setuid(user) == 0 else {
        throw ProcessFailure("cannot become user \(user): \(errno)")
    }
}
