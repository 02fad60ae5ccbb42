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
            try TarReader.forEachMember(of: store.absolutePath(of: Self.path)) { name, contents in
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

    @Test func missingAndCorruptImagesFailForGoodAndAreNamed() async throws {
        try await Made.withStore { store in
            let samples = try Self.samples(8, in: store)
            for index in [1, 2, 3, 4, 5] { try Self.remove(samples[index], from: store) }
            let corrupt = try store.path(of: samples[7].digest, extension: "png")
            try Data("no image".utf8).write(to: URL(fileURLWithPath: store.absolutePath(of: corrupt)))
            guard case .failed(let reason, let isPermanent) = try await Self.pack(samples, in: store) else {
                throw ProcessFailure("expected a failure")
            }
            #expect(isPermanent)
            #expect(
                reason.hasPrefix("6 of 8 images are missing or corrupt in the object directory (tasks 1, 2, 3, 4, 5)"))
            #expect(reason.contains("reconcile --fix"))
            #expect(!FileManager.default.fileExists(atPath: store.absolutePath(of: Self.path)))
            #expect(try FileManager.default.contentsOfDirectory(atPath: store.absolutePath(of: "tmp")).isEmpty)
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

    private static func pack(_ samples: [ShardSample], in store: ObjectStore) async throws -> TaskOutcome {
        try await Packer(store: store).pack(samples, of: try Made.batch([]).job, to: path)
    }

    private static func remove(_ sample: ShardSample, from store: ObjectStore) throws {
        let path = try store.path(of: sample.digest, extension: "png")
        try FileManager.default.removeItem(atPath: store.absolutePath(of: path))
    }

    static func samples(_ count: Int, in store: ObjectStore) throws -> [ShardSample] {
        try (0..<count).map { index in
            let shade = UInt8(index)
            let png = try Image(width: 64, height: 48, fill: Color(red: shade, green: shade, blue: shade)).png()
            let object = try store.put(png, extension: "png")
            return ShardSample(
                number: index, imageID: 100 + index, sample: 0, payload: try Made.task(image: 100 + index).encoded(),
                digest: object.digest, bytes: object.size)
        }
    }
}

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct PackHandlerTests {
    @Test func aShardIsPackedFromWhatTheCatalogueRecords() async throws {
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
                    batch, results: try await generate.compute(batch)(), worker: worker, backoff: { _ in .seconds(1) })
                let followUp = try #require(report.followUp)
                let packClaim = try await test.catalogue.claim(
                    try #require(followUp.hints.first), limit: 1, worker: worker, lease: .seconds(60))
                let packBatch = try #require(packClaim.batch)
                let results = try await PackHandler(catalogue: test.catalogue, store: store).compute(packBatch)()
                #expect(results.count == 1)
                guard case .archive(let archive) = results.first?.outcome else {
                    throw ProcessFailure("expected an archive, found \(results)")
                }
                #expect(archive.samples == 4 && archive.path == "shards/made/made-000000.tar")
                _ = try await test.catalogue.finish(
                    packBatch, results: results, worker: worker, backoff: { _ in .seconds(1) })
                let shard = try #require(try await test.catalogue.shards().first)
                #expect(shard.state == "finished" && shard.sha256 == archive.digest.hex)
            }
        }
    }
}
