// What somebody planted at an export's destination or in its source is neither removed nor followed.

import Digests
import Files
import Fixtures
import Foundation
import Testing

@testable import Catalogue
@testable import Exports
@testable import Stores

@Suite struct PlantedDestinationTests {
    private static let marker = #"{"format":"detdiffusion.export.coco.v1","job":"made"}"#
    private static let image = "made-000000000001-0.png"
    private static let work = ExportFolder.workName

    /// A folder `out` with an earlier export, and a folder `theirs` with a file.
    private func withFolders(_ body: (_ out: String, _ theirs: String) throws -> Void) throws {
        try Made.withFolder { parent in
            let (out, theirs) = ("\(parent)/out", "\(parent)/theirs")
            for folder in ["\(out)/images", theirs] { try make(folder) }
            try Made.write("old", to: "\(out)/images/\(Self.image)")
            try Made.write("{}", to: "\(out)/annotations.json")
            try Made.write(Self.marker, to: "\(out)/export.manifest")
            try Made.write("mine", to: "\(theirs)/notes.txt")
            try body(out, theirs)
            #expect(try Made.read("\(theirs)/notes.txt") == "mine")
        }
    }

    private func make(_ folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }

    private func begin(_ out: String) throws -> ExportFolder {
        let folder = try ExportFolder(out, form: .coco)
        _ = try folder.makeFolder("images")
        try Made.write("new", to: "\(folder.partial.path)/images/\(Self.image)")
        try Made.write("{}", to: "\(folder.partial.path)/annotations.json")
        try Made.write(Self.marker, to: "\(folder.partial.path)/export.manifest")
        return folder
    }

    private func expectRefusal(_ out: String, says: String) {
        let error = #expect(throws: ExportError.self) { try begin(out).commit() }
        #expect(error?.code == .destination)
        #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    }

    /// Even links to what an export itself would write.
    @Test(arguments: ["images", "annotations.json", "export.manifest", "images/made-000000000002-0.png"])
    func aLinkIsNoPartOfAnExport(name: String) throws {
        try withFolders { out, theirs in
            let path = "\(out)/\(name)"
            if FileManager.default.fileExists(atPath: path) {
                try FileManager.default.moveItem(atPath: path, toPath: "\(theirs)/moved")
            } else {
                try Made.write("theirs", to: "\(theirs)/moved")
            }
            try link(path, to: "\(theirs)/moved")
            expectRefusal(
                out, says: name == "export.manifest" ? "no export.manifest" : "'\(name)' in it, a symbolic link")
            #expect(FileManager.default.fileExists(atPath: "\(theirs)/moved"))
        }
    }

    @Test func aFolderUnderAnImagesNameIsNoImage() throws {
        try withFolders { out, _ in
            try make("\(out)/images/made-000000000002-0.png")
            try Made.write("mine", to: "\(out)/images/made-000000000002-0.png/thesis.tex")
            expectRefusal(out, says: "'images/made-000000000002-0.png' in it, a folder")
            #expect(try Made.read("\(out)/images/made-000000000002-0.png/thesis.tex") == "mine")
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: Plant.allCases) func aMarkerIsAFile(plant: Plant) throws {
        try withFolders { out, _ in
            try plant.replace("\(out)/export.manifest")
            expectRefusal(out, says: "no export.manifest")
        }
    }

    /// A work folder that looks like one of a killed export, around folders of somebody else.
    @Test(arguments: ["new", "old", "replaced"]) func aLinkInTheWorkFolderIsNotFollowed(name: String) throws {
        try withFolders { out, theirs in
            try make("\(out)/\(Self.work)")
            try Made.write("", to: "\(out)/\(Self.work)/detdiffusion")
            try link("\(out)/\(Self.work)/\(name)", to: theirs)
            if name == "new" {
                try begin(out).commit()
                #expect(try Made.read("\(out)/images/\(Self.image)") == "new")
            } else {
                expectRefusal(out, says: "expected a folder, found a symbolic link")
                #expect(try Made.read("\(out)/images/\(Self.image)") == "old")
            }
        }
    }

    /// It says that an exchange was cut short, after which the destination's entries would be half an export.
    @Test(arguments: ["old", "replaced"]) func aForgedExchangeRemovesNothing(name: String) throws {
        try withFolders { out, _ in
            try FileManager.default.removeItem(atPath: "\(out)/export.manifest")
            try Made.write("mine", to: "\(out)/images/holiday.png")
            try Made.write("mine", to: "\(out)/annotations.json")
            try make("\(out)/\(Self.work)/\(name)")
            try Made.write("", to: "\(out)/\(Self.work)/detdiffusion")
            for hasNew in [false, true] {
                if hasNew {
                    try make("\(out)/\(Self.work)/\(name)")
                    try make("\(out)/\(Self.work)/new")
                    try Made.write(Self.marker, to: "\(out)/\(Self.work)/new/export.manifest")
                }
                #expect(throws: ExportError.self) { try begin(out).commit() }
                #expect(try Made.read("\(out)/images/holiday.png") == "mine")
                #expect(try Made.read("\(out)/annotations.json") == "mine")
            }
        }
    }

    @Test func whatOldHoldsDoesNotComeOverWhatIsThere() throws {
        try withFolders { out, _ in
            try make("\(out)/\(Self.work)/old")
            try Made.write("", to: "\(out)/\(Self.work)/detdiffusion")
            try Made.write("theirs", to: "\(out)/\(Self.work)/old/annotations.json")
            expectRefusal(out, says: "File exists")
            #expect(try Made.read("\(out)/annotations.json") == "{}")
            try FileManager.default.moveItem(
                atPath: "\(out)/\(Self.work)/old/annotations.json", toPath: "\(out)/\(Self.work)/old/.profile")
            expectRefusal(out, says: ".profile")
            #expect(!FileManager.default.fileExists(atPath: "\(out)/.profile"))
        }
    }

    /// Planted after the destination was looked at: each rename is a moment at which somebody may do so.
    @Test(arguments: 1...4) func whatComesAmidAnExchangeIsKept(moment: Int) throws {
        try withFolders { out, theirs in
            let folder = try begin(out)
            var moves = 0
            folder.mayMove = {
                moves += 1
                guard moves == moment else { return true }
                // In the folder that is about to go, wherever it is by now.
                for images in ["\(out)/images", "\(out)/\(Self.work)/old/images"]
                where FileManager.default.fileExists(atPath: images) {
                    try? Made.write("mine", to: "\(images)/holiday.png")
                    try? link("\(images)/\(Self.image).link", to: theirs)
                }
                return true
            }
            let error = moment < 4 ? #expect(throws: ExportError.self) { try folder.commit() } : nil
            guard moment < 4 else { return }
            #expect(error?.description.contains("in it") == true)
            folder.discard()
            #expect(try Made.read("\(out)/images/holiday.png") == "mine")
            #expect(try Made.read("\(out)/images/\(Self.image)") == "old")
        }
    }

    /// The folder that an export writes to is the one that it made.
    @Test func anExchangedWorkFolderTakesNothing() throws {
        try withFolders { out, theirs in
            let folder = try ExportFolder(out, form: .coco)
            let images = try folder.makeFolder("images")
            #expect(rename("\(out)/\(Self.work)", "\(out)/../aside") == 0)
            try link("\(out)/\(Self.work)", to: theirs)
            try OutputFile.write([1], as: Self.image, in: images)
            try OutputFile.write([1], as: "annotations.json", in: folder.partial)
            folder.discard()
            #expect(try FileManager.default.contentsOfDirectory(atPath: theirs) == ["notes.txt"])
        }
    }
}

@Suite struct PlantedSourceTests {
    private static let identity = StoreIdentity(catalogue: String(repeating: "ab", count: 16), place: "made")
    private static let bytes = [UInt8](repeating: 7, count: 10_240)

    /// A source of one shard, whose archive lies in a store.
    private func withSource(
        _ body: (ExportSource, FolderStore, _ tar: String, _ out: String) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("exports-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FolderSite("\(folder)/store").claim(for: Self.identity)
        let store = try FolderStore(root: "\(folder)/store", of: Self.identity)
        let name = try ArchiveName(job: "made", number: 0)
        try Self.publish(name, in: store)
        var source = try Made.source()
        source.shards = [
            ShardRow(
                id: 1, job: "made", number: 0, state: "finished", tasks: 1, done: 1, follow: "pack",
                hasFollowUpResult: false, tar: name.key,
                digest: SHA256.digest(of: Self.bytes), bytes: Self.bytes.count)
        ]
        try await body(source, store, store.place(of: .archive(name)), "\(folder)/out")
    }

    private static func export(_ source: ExportSource, from store: any ObjectStore) throws -> WebDatasetExport {
        WebDatasetExport(source, keeping: try GateFilter(of: source), store: store) { _ in [] }
    }

    private static func publish(_ name: ArchiveName, in store: any ObjectStore) throws {
        let file = (store.scratch ?? .system).newFile()
        try Data(bytes).write(to: URL(fileURLWithPath: file.path))
        try store.publish(file, as: name, digest: SHA256.digest(of: bytes))
    }

    private func expectRefusal(
        _ source: ExportSource, _ store: any ObjectStore, out: String, says: String, linksToo: Bool = true
    ) async throws {
        for links in linksToo ? [false, true] : [false] {
            let error = await #expect(throws: ExportError.self) {
                try await Self.export(source, from: store).write(to: out, samples: [1], links: links)
            }
            #expect(error?.code == .damaged && error?.description.contains(says) == true, "\(error?.description ?? "")")
            #expect(!FileManager.default.fileExists(atPath: out))
        }
        let error = #expect(throws: ExportError.self) { try ShardArchive(source.shards[0], in: store) }
        #expect(error?.code == .damaged && error?.description.contains(says) == true, "\(error?.description ?? "")")
    }

    /// Shards are finished without an archive where nothing packs them.
    @Test(arguments: [
        (nil, "nothing follows them"), ("weigh", "weigh follows them and recorded something else"),
    ])
    func shardsThatNobodyPacksAreRefused(follow: String?, says: String) async throws {
        try await withSource { source, store, _, out in
            var source = source
            source.shards = [
                ShardRow(
                    id: 1, job: "made", number: 0, state: "finished", tasks: 1, done: 1, follow: follow,
                    hasFollowUpResult: follow != nil)
            ]
            let error = await #expect(throws: ExportError.self) {
                try await Self.export(source, from: store).write(to: out, samples: [1], links: false)
            }
            #expect(error?.code == .refused && error?.description.contains(says) == true, "\(error?.description ?? "")")
            #expect(!FileManager.default.fileExists(atPath: out))
        }
    }

    @Test func theArchiveItselfIsCopiedAndLinked() async throws {
        try await withSource { source, store, tar, out in
            for links in [false, true] {
                _ = try await Self.export(source, from: store).write(to: out, samples: [1], links: links)
                let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(out)/made-000000.tar"))
                #expect(Array(bytes) == Self.bytes)
            }
            #expect(try RegularFile(path: tar).contents(limit: .max) == Self.bytes)
        }
    }

    /// A store without files on this host: copies are the same, links cannot be made.
    @Test func fromAStoreWithoutFilesArchivesAreCopied() async throws {
        try await withSource { source, _, _, out in
            let site = MemorySite()
            try site.claim(for: Self.identity)
            let store = try site.open(of: Self.identity, for: .writing)
            let name = try ArchiveName(job: "made", number: 0)
            try await expectRefusal(
                source, store, out: out, says: "\(store.place(of: .archive(name)))", linksToo: false)
            try Self.publish(name, in: store)
            let export = try Self.export(source, from: store)
            let error = await #expect(throws: ExportError.self) {
                try await export.write(to: out, samples: [1], links: true)
            }
            #expect(error?.code == .destination && error?.description.contains("leave out --link to copy") == true)
            #expect(!FileManager.default.fileExists(atPath: out))
            _ = try await export.write(to: out, samples: [1])
            #expect(try RegularFile(path: "\(out)/made-000000.tar").contents(limit: .max) == Self.bytes)
            site.plant(name.key, [UInt8](repeating: 8, count: Self.bytes.count))
            try FileManager.default.removeItem(atPath: out)
            await #expect(throws: ExportError.self) { try await export.write(to: out, samples: [1]) }
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: Plant.allCases)
    func whatWasPlantedForAnArchiveIsNotExported(plant: Plant) async throws {
        try await withSource { source, store, tar, out in
            try plant.replace(tar)
            try await expectRefusal(source, store, out: out, says: "expected a regular file")
        }
    }

    /// The very bytes and their digest, by another path.
    @Test(arguments: ["../secret.tar", "/dev/zero", "shards/made/../made/made-000000.tar", ""])
    func aRecordedPathIsNotBelieved(path: String) async throws {
        try await withSource { source, store, tar, out in
            try FileManager.default.copyItem(atPath: tar, toPath: "\(store.root)/../secret.tar")
            var source = source
            source.shards[0].tar = path
            try await expectRefusal(source, store, out: out, says: "expected the path shards/made/made-000000.tar")
            source.shards[0].tar = nil
            try await expectRefusal(source, store, out: out, says: "expected a recorded path")
        }
    }

    @Test(arguments: [-8, 0, 10_239, 1 << 62]) func aRecordedSizeIsTheFiles(size: Int) async throws {
        try await withSource { source, store, _, out in
            var source = source
            source.shards[0].bytes = size
            try await expectRefusal(
                source, store, out: out, says: "expected a regular file of \(size) bytes, found 10240 bytes")
        }
    }
}
