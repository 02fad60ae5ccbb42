// Kind `pack`: the same bytes every time, and nothing that is missing goes unnoticed.

import Archives
import Digests
import Fixtures
import Foundation
import Pixels
import Stores
import Tasks
import Testing

@testable import Catalogue
@testable import Handlers

struct PackerTests {
    @Test func packedTwiceGivesIdenticalBytes() async throws {
        try await Made.withStore { store in
            let samples = try Self.samples(5, in: store)
            let first = try await Self.pack(samples, in: store)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: store.absolutePath(of: Self.path)))
            let second = try await Self.pack(samples, in: store)
            #expect(first == second)
            #expect(try Data(contentsOf: URL(fileURLWithPath: store.absolutePath(of: Self.path))) == bytes)
            guard case .archive(let archive) = first else {
                throw ProcessFailure("expected an archive, found \(first)")
            }
            #expect(archive.digest == SHA256.digest(of: Array(bytes)) && archive.bytes == bytes.count)
            #expect(archive.samples == 5 && archive.path == Self.path)
        }
    }

    @Test func membersAreImageAndRecordInTaskOrder() async throws {
        try await Made.withStore { store in
            let samples = try Self.samples(3, in: store)
            _ = try await Self.pack(samples, in: store)
            var members: [(name: String, contents: [UInt8])] = []
            try TarReader(path: store.absolutePath(of: Self.path)).forEachMember { name, contents in
                members.append((name, contents))
                return true
            }
            let keys = (0..<3).map { LayoutTask.key(imageID: 100 + $0, sample: 0) }
            #expect(members.map(\.name) == keys.flatMap { ["\($0).png", "\($0).json"] })
            for (index, sample) in samples.enumerated() {
                #expect(SHA256.digest(of: members[2 * index].contents) == sample.digest)
                let record = try JSONDecoder().decode(SampleRecord.self, from: Data(members[2 * index + 1].contents))
                let task = try LayoutTask(decoding: sample.payload)
                #expect(record == SampleRecord(task: task, specification: Made.specification()))
            }
        }
    }

    @Test func missingAndCorruptImagesAreNamedWithWorkerAndHostAndTriedAgain() async throws {
        try await Made.withStore { store in
            let samples = try Self.samples(8, in: store)
            for index in [1, 2, 3, 4, 5] { try Self.remove(samples[index], from: store) }
            let corrupt = try store.path(of: samples[7].digest, extension: "png")
            try Data("no image".utf8).write(to: URL(fileURLWithPath: store.absolutePath(of: corrupt)))
            guard case .failed(let reason, let isPermanent) = try await Self.pack(samples, in: store) else {
                throw ProcessFailure("expected a failure")
            }
            #expect(!isPermanent, "another host may have them")
            #expect(
                reason.hasPrefix(
                    "worker 'w' on host 'h': 6 of 8 images are missing or corrupt in the object directory "
                        + "\(store.root) (tasks 1, 2, 3, 4, 5)"))
            #expect(reason.contains("reconcile --fix"))
            #expect(!FileManager.default.fileExists(atPath: store.absolutePath(of: Self.path)))
            #expect(try FileManager.default.contentsOfDirectory(atPath: store.absolutePath(of: "tmp")).isEmpty)
        }
    }

    /// A loop of links in the place of an image's folder cannot be read through, not even by root: like EIO and ESTALE it
    /// says nothing about the image.
    @Test func anImageThatCannotBeReadPausesPacking() async throws {
        try await Made.withStore { store in
            let samples = try Self.samples(3, in: store)
            let image = try store.path(of: samples[1].digest, extension: "png")
            let folder = store.absolutePath(of: image.replacing(/\/[^\/]*$/, with: ""))
            try FileManager.default.moveItem(atPath: folder, toPath: folder + ".aside")
            try FileManager.default.createSymbolicLink(atPath: folder, withDestinationPath: folder)
            await #expect(throws: WorkPaused.self) { try await Self.pack(samples, in: store) }
            try FileManager.default.removeItem(atPath: folder)
            try FileManager.default.moveItem(atPath: folder + ".aside", toPath: folder)
            guard case .archive = try await Self.pack(samples, in: store) else {
                throw ProcessFailure("expected an archive")
            }
        }
    }

    /// What is no file of the recorded size is named like a damaged image, at once and in no memory.
    @Test(.timeLimit(.minutes(1)), arguments: Plant.allCases)
    func whatWasPlantedForAnImageIsNotRead(plant: Plant) async throws {
        try await Made.withStore { store in
            let samples = try Self.samples(3, in: store)
            try plant.replace(store.absolutePath(of: try store.path(of: samples[1].digest, extension: "png")))
            guard case .failed(let reason, let isPermanent) = try await Self.pack(samples, in: store) else {
                throw ProcessFailure("expected a failure")
            }
            #expect(!isPermanent && reason.contains("1 of 3 images are missing or corrupt"))
        }
    }

    @Test func aStoreThatIsAwayPausesPackingAndMissesNoImage() async throws {
        try await Made.withStore { store in
            let samples = try Self.samples(2, in: store)
            let folder = store.absolutePath(of: "objects")
            try FileManager.default.moveItem(atPath: folder, toPath: folder + ".aside")
            await #expect(throws: WorkPaused.self) { try await Self.pack(samples, in: store) }
            try FileManager.default.moveItem(atPath: folder + ".aside", toPath: folder)
            guard case .archive = try await Self.pack(samples, in: store) else {
                throw ProcessFailure("expected an archive")
            }
        }
    }

    @Test(arguments: ["/sys/kernel", "/does/not/exist"])
    func aStoreThatCannotBeWrittenPausesPacking(target: String) async throws {
        try await Made.withStore { store in
            let samples = try Self.samples(2, in: store)
            try await Made.replacing(store, "tmp", withLinkTo: target) {
                await #expect(throws: WorkPaused.self) { try await Self.pack(samples, in: store) }
            }
            guard case .archive = try await Self.pack(samples, in: store) else {
                throw ProcessFailure("expected an archive")
            }
        }
    }

    private static let path = "shards/made/made-000003.tar"

    private static func pack(_ samples: [ShardOutput], in store: ObjectStore) async throws -> TaskOutcome {
        try await Packer(store: store, place: "worker 'w' on host 'h'").pack(
            samples, of: try Made.batch([]).job, to: path)
    }

    private static func remove(_ sample: ShardOutput, from store: ObjectStore) throws {
        let path = try store.path(of: sample.digest, extension: "png")
        try FileManager.default.removeItem(atPath: store.absolutePath(of: path))
    }

    static func samples(_ count: Int, in store: ObjectStore) throws -> [ShardOutput] {
        try (0..<count).map { index in
            let shade = UInt8(index)
            let png = try Image(width: 64, height: 48, fill: Color(red: shade, green: shade, blue: shade)).png()
            let object = try store.put(png, extension: "png")
            return ShardOutput(
                number: index, imageID: 100 + index, sample: 0, payload: try Made.task(image: 100 + index).encoded(),
                digest: object.digest, bytes: object.size)
        }
    }
}

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct PackHandlerTests {
    @Test func aShardIsPackedFromWhatTheCatalogueRecords() async throws {
        try await Self.generated { test, store, shard in
            let archive = try await Self.packed(shard, by: "here", from: store, in: test)
            guard case .archive(let archive) = archive else {
                throw ProcessFailure("expected an archive, found \(archive)")
            }
            #expect(archive.samples == 4 && archive.path == "shards/made/made-000000.tar")
            let shard = try #require(try await test.catalogue.shards().first)
            #expect(shard.state == "finished" && shard.sha256 == archive.digest.hex)
        }
    }

    @Test func whatOneHostMissesAnotherPacks() async throws {
        try await Self.generated { test, store, shard in
            try await Made.withStore { empty in
                guard case .failed = try await Self.packed(shard, by: "blind", from: empty, in: test) else {
                    throw ProcessFailure("expected a failure")
                }
                #expect(try await test.catalogue.shards().map(\.state) == ["generated"], "not quarantined at once")
                let targets = try #require(try await test.catalogue.wakeOneShard())
                #expect(targets.map(\.queue.kind) == [.pack])
                guard case .archive = try await Self.packed(shard, by: "seeing", from: store, in: test) else {
                    throw ProcessFailure("expected an archive")
                }
                #expect(try await test.catalogue.shards().map(\.state) == ["finished"])
                #expect(try await test.catalogue.account(shard: shard)?.findings == [])
            }
        }
    }

    @Test func whatNobodyFindsIsQuarantinedAfterTheLastAttemptAndSaysWhoLookedWhere() async throws {
        try await Self.generated { test, _, shard in
            try await Made.withStore { empty in
                for attempt in 1...5 {
                    #expect(try await test.catalogue.shards().map(\.state) == ["generated"])
                    _ = try await Self.packed(shard, by: "host-\(attempt)", from: empty, in: test)
                    _ = try await test.catalogue.wakeOneShard()
                }
                let found = try #require(try await test.catalogue.shards().first)
                #expect(found.state == "quarantined")
                #expect(
                    found.reason?.hasPrefix("worker 'packer' on host 'host-5': 4 of 4 images are missing") == true,
                    "\(found.reason ?? "")")
            }
        }
    }

    /// Runs `body` with a job of one shard of four images, all made and stored.
    private static func generated(
        _ body: (TestCatalogue, ObjectStore, _ shard: Int64) async throws -> Void
    ) async throws {
        try await TestCatalogue.with { test in
            try await Made.withStore { store in
                let json = try Made.specification().canonicalJSON()
                let job = try await test.enqueue("made", tasks: 4, shardSize: 4, specification: json) {
                    try Made.task(image: 100 + $0).encoded()
                }
                let worker = try await test.register()
                let target = try #require(try await test.catalogue.unhintedShards(job: job.id).first)
                let claim = try await test.catalogue.claim(
                    target.hint(0..<4), limit: 4, worker: worker, lease: .seconds(60))
                let batch = try #require(claim.batch)
                let generate = GenerateHandler(generator: SketchGenerator(), store: store)
                let report = try await test.catalogue.finish(
                    batch, results: try await generate.work(on: batch)(), worker: worker, backoff: { _ in .zero })
                #expect(report.followUp?.queue.kind == .pack)
                try await body(test, store, target.shard)
            }
        }
    }

    /// Claims the shard's packing, carries it out and records what became of it.
    private static func packed(
        _ shard: Int64, by host: String, from store: ObjectStore, in test: TestCatalogue
    ) async throws -> TaskOutcome {
        let worker = try await test.register(host)
        let job = try await test.catalogue.job(named: "made")
        let target = try #require(try await test.catalogue.claimable(job: job.id).first { $0.shard == shard })
        let claim = try await test.catalogue.claim(
            try #require(target.hints.first), limit: 1, worker: worker, lease: .seconds(60))
        let batch = try #require(claim.batch)
        let handler = PackHandler(catalogue: test.catalogue, store: store, worker: "packer", host: host)
        #expect(!handler.needsDevice)
        let results = try await handler.work(on: batch)()
        _ = try await test.catalogue.finish(batch, results: results, worker: worker, backoff: { _ in .zero })
        return try #require(results.first).outcome
    }
}
