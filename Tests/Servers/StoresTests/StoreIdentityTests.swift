// Whose a store is, and what happens when another one, or none, is in its place.

import Digests
import Foundation
import Testing

@testable import Stores

@Suite struct StoreIdentityTests {
    /// A path in a folder of the test's own.
    private final class Scratch {
        let path = NSTemporaryDirectory() + "identity-\(UUID().uuidString)"
        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func entries(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    private func expectRefusal(_ code: StoreError.Code, says parts: [String], _ body: () throws -> Void) {
        let error = #expect(throws: StoreError.self) { try body() }
        #expect(error?.code == code)
        for part in parts { #expect(error?.description.contains(part) == true, "\(String(describing: error))") }
    }

    @Test(arguments: StoreKind.allCases) func aPlaceBelongsToTheFirstCatalogueThatClaimsIt(kind: StoreKind) throws {
        let stage = try kind.stage(), site = stage.unclaimed()
        #expect(try site.identity() == nil && site.isEmpty())
        for use in [StoreUse.reading, .writing] {
            expectRefusal(.away, says: [site.place, "\(StoreIdentity.made)", "provision"]) {
                _ = try site.open(of: .made, for: use)
            }
        }
        #expect(try site.claim(for: .other))
        #expect(try !site.claim(for: .other))
        #expect(try site.identity() == .other)
        let parts = [site.place, "\(StoreIdentity.made)", "\(StoreIdentity.other)", "--store"]
        for use in [StoreUse.reading, .writing] {
            expectRefusal(.foreign, says: parts) { _ = try site.open(of: .made, for: use) }
        }
        expectRefusal(.foreign, says: parts) { try site.claim(for: .made) }
        #expect(try site.open(of: .other, for: .reading).allObjects() == [])
    }

    @Test(arguments: StoreKind.allCases) func aPlaceTellsWhatItHoldsBeforeItIsClaimed(kind: StoreKind) throws {
        let stage = try kind.stage()
        #expect(try stage.site.isEmpty())
        let object = try stage.opened.put(abc, extension: "png")
        #expect(try !stage.site.isEmpty())
        #expect(try stage.site.holds(.object(object.name), size: 3))
        #expect(try !stage.site.holds(.object(object.name), size: 4))
        #expect(try !stage.site.holds(.archive(try archive()), size: 3))
        try stage.publish("tar", as: try archive())
        #expect(try stage.site.holds(.archive(try archive()), size: 3))
    }

    /// Eight claim at once: for one catalogue one of them writes, of two catalogues one gets the place.
    @Test(arguments: StoreKind.allCases) func ofSeveralAtOnceOneClaims(kind: StoreKind) async throws {
        let stage = try kind.stage(), site = stage.unclaimed()
        let outcomes = await withTaskGroup(of: StoreError.Code??.self) { group in
            for number in 0..<8 {
                let identity = number.isMultiple(of: 2) ? StoreIdentity.made : .other
                group.addTask {
                    do throws(StoreError) {
                        return try site.claim(for: identity) ? .some(nil) : .none
                    } catch {
                        return .some(error.code)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == .some(nil) } == 1, "one wrote: \(outcomes)")
        #expect(outcomes.count { $0 == .none } == 3, "the others of its catalogue found its identity: \(outcomes)")
        #expect(outcomes.count { $0 == .some(.foreign) } == 4, "the other catalogue's were refused: \(outcomes)")
        withExtendedLifetime(stage) {}
    }

    // MARK: Folders

    @Test func aFolderWithoutIdentityIsRefusedAndNothingIsMade() throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/empty/objects", withIntermediateDirectories: true)
        for (folder, found) in [("empty", "no file 'detdiffusion-store' in it"), ("typo", "nothing there")] {
            for use in [StoreUse.reading, .writing] {
                expectRefusal(.away, says: [scratch.path + "/" + folder, found]) {
                    _ = try FolderStore(root: "\(scratch.path)/\(folder)", of: .made, for: use)
                }
            }
        }
        #expect(try entries(scratch.path) == ["empty"])
        #expect(try entries(scratch.path + "/empty") == ["objects"])
    }

    @Test func openingForReadingMakesNothing() throws {
        let scratch = try Scratch()
        try FolderSite(scratch.path).claim(for: .made)
        let store = try FolderStore(root: scratch.path, of: .made, for: .reading)
        #expect(try store.allObjects() == [] && store.archivedJobs() == [] && store.foreignEntries() == [])
        #expect(try store.removeAbandoned(olderThan: .zero, removing: true).count == 0)
        #expect(try entries(scratch.path) == [StoreIdentity.fileName])
    }

    @Test func whatIsWrittenIsRead() throws {
        let scratch = try Scratch()
        let identity = StoreIdentity(catalogue: String(repeating: "7", count: 32), place: "database a\nb, at [::1]:5")
        let site = FolderSite(scratch.path + "/new/folder")
        #expect(try site.claim(for: identity))
        let read = try #require(try site.identity())
        #expect(read == identity && read.place == "database a b, at [::1]:5")
        #expect(try !site.claim(for: identity))
        #expect(try FolderSite(scratch.path).identity() == nil)
        #expect(try entries(site.root) == [StoreIdentity.fileName])
    }

    @Test(arguments: [
        "", "catalogue 1\n", "x\ncatalogue 0123\nplace a\n",
        "x\ncatalogue \(String(repeating: "G", count: 32))\nplace a\n",
    ])
    func aDamagedIdentityIsNoIdentity(text: String) throws {
        let scratch = try Scratch()
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(scratch.path)/\(StoreIdentity.fileName)"))
        for body in [
            { _ = try FolderStore(root: scratch.path, of: .made) },
            { try FolderSite(scratch.path).claim(for: .made) },
        ] {
            expectRefusal(.invalid, says: ["32 hexadecimal digits"]) { try body() }
        }
    }
}

/// A store that goes away, or is replaced, under a running process: a file system that is unmounted, say.
@Suite struct PresenceTests {
    /// Everything that a store can be asked for.
    private func expectRefusals(
        _ store: any ObjectStore, _ object: StoredObject, code: StoreError.Code, file: ScratchFile
    ) {
        let name = StoreName.object(object.name)
        let attempts: [(String, () throws -> Void)] = [
            ("put", { _ = try store.put([9], extension: "png") }),
            ("put again", { _ = try store.put([1], extension: "png") }),
            ("read", { _ = try store.read(object.name, size: object.size) }),
            ("verify", { try store.verify(name, size: object.size, digest: object.digest) }),
            ("digest", { _ = try store.digest(of: name, size: object.size) }),
            ("entry", { _ = try store.entry(name) }),
            ("local file", { _ = try store.localFile(name, size: nil) ?? { throw StoreError(code, "none") }() }),
            ("remove", { _ = try store.remove(name, olderThan: .zero) }),
            ("list", { _ = try store.allObjects() }),
            ("list archives", { _ = try store.archives(ofJob: "job") }),
            ("abandoned", { _ = try store.removeAbandoned(olderThan: .zero, removing: true) }),
            ("publish", { try store.publish(file, as: try archive(), digest: object.digest) }),
        ]
        for (what, attempt) in attempts {
            let error = #expect(throws: StoreError.self, "\(what)") { try attempt() }
            #expect(
                error?.code == code && error?.code.isOfTheSurroundings == true, "\(what): \(error?.description ?? "")")
        }
    }

    @Test(arguments: StoreKind.allCases, [nil, StoreIdentity.other])
    func aStoreThatHasGoneIsNotCalledEmpty(kind: StoreKind, identity: StoreIdentity?) throws {
        let stage = try kind.stage(), store = stage.opened
        let object = try store.put([1], extension: "png")
        try stage.replacing(by: identity) {
            expectRefusals(
                store, object, code: identity == nil ? .away : .foreign, file: ScratchFolder.system.newFile())
        }
        // Back again, all goes on.
        #expect(try store.read(object.name, size: object.size) == [1])
        #expect(try store.put([9], extension: "png").size == 1)
    }

    @Test(arguments: [[], ["objects/ba", "shards", "tmp"]])
    func nothingIsWrittenIntoAnEmptyMountPoint(folders: [String]) throws {
        let fixture = try Fixture()
        let object = try fixture.store.put([1], extension: "png")
        let file = fixture.store.ownScratch.newFile()
        let left = try fixture.replacing(by: nil, folders: folders) {
            expectRefusals(fixture.store, object, code: .away, file: file)
        }
        #expect(
            Set(left) == Set(folders + folders.map { String($0.prefix { $0 != "/" }) }), "no file and no folder of ours"
        )
    }

    /// As EIO and ESTALE do; a loop of links above the file is what root cannot read through either.
    @Test func whatCannotBeReadIsNotMissing() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put([1], extension: "png")
        let folder = fixture.store.absolutePath(of: object.name.key.replacing(/\/[^\/]*$/, with: ""))
        try FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createSymbolicLink(atPath: folder, withDestinationPath: folder)
        for attempt: () throws -> Void in [
            { _ = try fixture.store.read(object.name, size: object.size) },
            { _ = try fixture.store.entry(.object(object.name)) },
            { try fixture.store.verify(.object(object.name), size: object.size, digest: object.digest) },
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
