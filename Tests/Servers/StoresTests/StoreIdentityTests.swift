// Whose an object directory is, and what happens when another folder stands under its path.

import Digests
import Foundation
import Testing

@testable import Stores

@Suite struct StoreIdentityTests {
    private static let other = StoreIdentity(
        catalogue: String(repeating: "f", count: 32), place: "database other, at x:2")

    /// A path in a folder of the test's own.
    private final class Scratch {
        let path = NSTemporaryDirectory() + "identity-\(UUID().uuidString)"
        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func entries(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    @Test func aFolderWithoutIdentityIsRefusedAndNothingIsMade() throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/empty/objects", withIntermediateDirectories: true)
        for (folder, found) in [("empty", "no file 'detdiffusion-store' in it"), ("typo", "nothing there")] {
            for use in [ObjectStore.Use.reading, .writing] {
                let error = #expect(throws: StoreError.self) {
                    try ObjectStore(root: "\(scratch.path)/\(folder)", of: .made, for: use)
                }
                #expect(error?.code == .away)
                for part in [scratch.path + "/" + folder, found, "\(StoreIdentity.made)", "provision"] {
                    #expect(error?.description.contains(part) == true, "\(String(describing: error))")
                }
            }
        }
        #expect(try entries(scratch.path) == ["empty"])
        #expect(try entries(scratch.path + "/empty") == ["objects"])
    }

    @Test func anotherCataloguesDirectoryIsRefusedAndBothAreNamed() throws {
        let scratch = try Scratch()
        #expect(try Self.other.write(root: scratch.path))
        for use in [ObjectStore.Use.reading, .writing] {
            let error = #expect(throws: StoreError.self) { try ObjectStore(root: scratch.path, of: .made, for: use) }
            #expect(error?.code == .foreign)
            for part in [scratch.path, "\(StoreIdentity.made)", "\(Self.other)", "--store"] {
                #expect(error?.description.contains(part) == true, "\(String(describing: error))")
            }
        }
        let error = #expect(throws: StoreError.self) { try StoreIdentity.made.write(root: scratch.path) }
        #expect(error?.code == .foreign)
        #expect(try entries(scratch.path) == [StoreIdentity.fileName])
    }

    @Test func openingForReadingMakesNothing() throws {
        let scratch = try Scratch()
        try StoreIdentity.made.write(root: scratch.path)
        let store = try ObjectStore(root: scratch.path, of: .made, for: .reading)
        #expect(try store.allObjects() == [] && store.shardFolders() == [] && store.foreignEntries() == [])
        #expect(try store.removeStaleTemporaries(olderThan: .zero).count == 0)
        #expect(try entries(scratch.path) == [StoreIdentity.fileName])
    }

    @Test func whatIsWrittenIsRead() throws {
        let scratch = try Scratch()
        let identity = StoreIdentity(catalogue: String(repeating: "7", count: 32), place: "database a\nb, at [::1]:5")
        #expect(try identity.write(root: scratch.path + "/new/folder"))
        let read = try #require(try StoreIdentity.read(root: scratch.path + "/new/folder"))
        #expect(read == identity && read.place == "database a b, at [::1]:5")
        #expect(try !identity.write(root: scratch.path + "/new/folder"))
        #expect(try StoreIdentity.read(root: scratch.path) == nil)
    }

    @Test(arguments: [
        "", "catalogue 1\n", "x\ncatalogue 0123\nplace a\n",
        "x\ncatalogue \(String(repeating: "G", count: 32))\nplace a\n",
    ])
    func aDamagedIdentityIsNoIdentity(text: String) throws {
        let scratch = try Scratch()
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(scratch.path)/\(StoreIdentity.fileName)"))
        for body in [
            { _ = try ObjectStore(root: scratch.path, of: .made) },
            { try StoreIdentity.made.write(root: scratch.path) },
        ] {
            let error = #expect(throws: StoreError.self) { try body() }
            #expect(error?.code == .invalid && error?.description.contains("32 hexadecimal digits") == true)
        }
    }

    /// Eight write at once: for one catalogue one of them writes, of two catalogues one gets the folder.
    @Test func ofSeveralAtOnceOneWrites() async throws {
        let scratch = try Scratch()
        let folder = scratch.path + "/store"
        let outcomes = await withTaskGroup(of: StoreError.Code??.self) { group in
            for number in 0..<8 {
                let identity = number.isMultiple(of: 2) ? StoreIdentity.made : Self.other
                group.addTask {
                    do throws(StoreError) {
                        return try identity.write(root: folder) ? .some(nil) : .none
                    } catch {
                        return .some(error.code)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == .some(nil) } == 1, "one wrote: \(outcomes)")
        #expect(outcomes.count { $0 == .none } == 3, "the others of its catalogue found its file: \(outcomes)")
        #expect(outcomes.count { $0 == .some(.foreign) } == 4, "the other catalogue's were refused: \(outcomes)")
        #expect(try entries(folder) == [StoreIdentity.fileName])
    }
}

/// A file system that is unmounted, or replaced, under a running process.
@Suite struct PresenceTests {
    /// Runs `body` while another folder stands in the place of the store, and returns what it holds then.
    private func replacing(
        _ fixture: Fixture, by identity: StoreIdentity?, folders: [String] = [], _ body: () throws -> Void
    ) throws -> [String] {
        let aside = fixture.root + ".aside"
        try FileManager.default.moveItem(atPath: fixture.root, toPath: aside)
        try FileManager.default.createDirectory(atPath: fixture.root, withIntermediateDirectories: true)
        for folder in folders {
            try FileManager.default.createDirectory(
                atPath: "\(fixture.root)/\(folder)", withIntermediateDirectories: true)
        }
        try identity?.write(root: fixture.root)
        try body()
        let left = try FileManager.default.subpathsOfDirectory(atPath: fixture.root).sorted()
        try FileManager.default.removeItem(atPath: fixture.root)
        try FileManager.default.moveItem(atPath: aside, toPath: fixture.root)
        return left
    }

    /// Everything that a store can be asked for.
    private func expectRefusals(_ fixture: Fixture, _ object: StoredObject, code: StoreError.Code, temporary: String) {
        let store = fixture.store
        let attempts: [(String, () throws(StoreError) -> Void)] = [
            ("put", { () throws(StoreError) in _ = try store.put([9], extension: "png") }),
            ("put again", { () throws(StoreError) in _ = try store.put([1], extension: "png") }),
            (
                "read",
                { () throws(StoreError) in _ = try store.read(object.digest, size: object.size, extension: "png") }
            ),
            (
                "verify",
                { () throws(StoreError) in try store.verify(object.path, size: object.size, digest: object.digest) }
            ),
            ("digest", { () throws(StoreError) in _ = try store.digest(of: object.path, size: object.size) }),
            ("contains", { () throws(StoreError) in _ = try store.contains(object.digest, extension: "png") }),
            ("size", { () throws(StoreError) in _ = try store.size(of: object.path) }),
            ("age", { () throws(StoreError) in _ = try store.age(of: object.path) }),
            ("remove", { () throws(StoreError) in _ = try store.remove(object.digest, extension: "png") }),
            ("remove old", { () throws(StoreError) in _ = try store.remove(object.path, olderThan: .zero) }),
            (
                "commit",
                { () throws(StoreError) in try store.commit(temporary: temporary, to: "shards/a/a-000000.tar") }
            ),
        ]
        for (name, attempt) in attempts {
            do {
                try attempt()
                Issue.record("\(name): expected a refusal")
            } catch {
                #expect(error.code == code, "\(name): \(error)")
                #expect(error.code.isOfTheSurroundings)
            }
        }
    }

    @Test(arguments: [[], ["objects/ba", "shards", "tmp"]])
    func nothingIsWrittenWhereTheStoreWasAndNothingIsCalledMissing(folders: [String]) throws {
        let fixture = try Fixture()
        let object = try fixture.store.put([1], extension: "png")
        let temporary = fixture.store.temporaryPath()
        let left = try replacing(fixture, by: nil, folders: folders) {
            expectRefusals(fixture, object, code: .away, temporary: temporary)
            #expect(throws: StoreError.self) { try fixture.store.allObjects() == [] }
        }
        #expect(left.filter { $0.contains(".") || $0.contains("detdiffusion") } == [], "no file and no folder of ours")
        #expect(Set(left) == Set(folders + folders.map { String($0.prefix { $0 != "/" }) }))
        // Back again, all goes on.
        #expect(try fixture.store.read(object.digest, size: object.size, extension: "png") == [1])
        #expect(try fixture.store.put([9], extension: "png").size == 1)
    }

    @Test func anotherStoreInItsPlaceIsNoticed() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put([1], extension: "png")
        let other = StoreIdentity(catalogue: String(repeating: "e", count: 32), place: "other")
        let left = try replacing(fixture, by: other, folders: ["tmp"]) {
            expectRefusals(fixture, object, code: .foreign, temporary: fixture.store.temporaryPath())
        }
        #expect(left == [StoreIdentity.fileName, "tmp"])
        #expect(try fixture.store.contains(object.digest, extension: "png"))
    }

    /// As EIO and ESTALE do; a loop of links above the file is what root cannot read through either.
    @Test func whatCannotBeReadIsNotMissing() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put([1], extension: "png")
        let folder = fixture.store.absolutePath(of: object.path.replacing(/\/[^\/]*$/, with: ""))
        try FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createSymbolicLink(atPath: folder, withDestinationPath: folder)
        for attempt: () throws -> Void in [
            { _ = try fixture.store.read(object.digest, size: object.size, extension: "png") },
            { _ = try fixture.store.size(of: object.path) },
            { try fixture.store.verify(object.path, size: object.size, digest: object.digest) },
        ] {
            let error = #expect(throws: StoreError.self) { try attempt() }
            #expect(error?.code == .other(ELOOP) && error?.code.isOfTheSurroundings == true)
        }
        let denied = StoreError.reading("open", "/x", number: EACCES)
        #expect(denied.code == .other(EACCES) && denied.description.contains("let this user read it"))
        #expect(StoreError.reading("open", "/x", number: ESTALE).code.isOfTheSurroundings)
        #expect(!StoreError.reading("open", "/x", number: ENOENT).code.isOfTheSurroundings)
    }
}
