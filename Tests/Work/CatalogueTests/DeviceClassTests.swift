// An image that is made again must have the bytes of before on the same device class, and only there.

import Catalogue
import Digests
import Fixtures
import Postgres
import Tasks
import Testing

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct DeviceClassTests {
    /// Who makes an image: a worker's row, the class of the device, what the image is.
    private struct Make {
        var worker: Int64
        var deviceClass: String?
        var image: String
    }

    /// Workers whose first generator is another one than the job's, so that their rows say nothing about it.
    private static func registerSeveral(_ test: TestCatalogue, first: String) async throws -> Int64 {
        let serves = [first, "sketch"].map { name in
            HandlerDescription(
                kind: .generate, capability: Capability(rawValue: name), maximumBatch: 1, deviceClass: "\(first)-1")
        }
        return try await test.catalogue.register(
            WorkerIntroduction(name: first, host: first, pid: 1, version: "test", serves: serves))
    }

    /// Makes the only image of a job, loses it, and makes it again.
    /// - Returns: whether the second image was recorded.
    private static func remade(_ test: TestCatalogue, _ name: String, _ first: Make, _ second: Make) async throws
        -> Bool
    {
        let job = try await test.enqueue(name, tasks: 1, shardSize: 1)
        let target = try #require(try await test.catalogue.unhintedShards(job: job.id).first)
        #expect(try await make(test, target, first))
        try await lose(test, target)
        return try await make(test, target, second)
    }

    private static func make(_ test: TestCatalogue, _ target: HintTarget, _ make: Make) async throws -> Bool {
        let claim = try await test.catalogue.claim(
            target.hint(0..<1), limit: 1, worker: make.worker, lease: .seconds(60))
        let output = ImageRecord(digest: SHA256.digest(of: make.image), bytes: 1, width: 8, height: 8)
        let report = try await test.catalogue.finish(
            try #require(claim.batch), results: [TaskResult(number: 0, outcome: .image(output))], worker: make.worker,
            deviceClass: make.deviceClass, backoff: { _ in .zero })
        return report.accepted == [0]
    }

    private static func lose(_ test: TestCatalogue, _ target: HintTarget) async throws {
        let contents = try #require(try await test.catalogue.contents(ofShard: target.shard))
        let lost = contents.outputs.map { LostRecord(number: $0.number, digest: $0.digest) }
        #expect(try await test.catalogue.reopen(contents.row, lost: lost))
    }

    @Test func bytesAreComparedWithinTheClassThatMadeThem() async throws {
        try await TestCatalogue.with { test in
            let a = try await Self.registerSeveral(test, first: "blank")
            let b = try await Self.registerSeveral(test, first: "other")
            let avx = Make(worker: a, deviceClass: "cpu-avx2", image: "image")
            #expect(try await Self.remade(test, "same", avx, Make(worker: b, deviceClass: "cpu-avx2", image: "image")))
            let wrong = Make(worker: b, deviceClass: "cpu-avx2", image: "another")
            #expect(try await !Self.remade(test, "wrong", avx, wrong), "the workers' rows differ, the class does not")
            let elsewhere = Make(worker: a, deviceClass: "cpu-avx512", image: "another")
            #expect(try await Self.remade(test, "elsewhere", avx, elsewhere), "one worker's row, two classes")
            #expect(
                try await test.catalogue.outputs(CatalogueFilter(job: "elsewhere")).map(\.deviceClass) == ["cpu-avx512"]
            )
        }
    }

    @Test func outputsOfBeforeHaveTheClassOfTheirWorkersFirstGenerator() async throws {
        try await TestCatalogue.with { test in
            let single = try await test.register()
            let before = Make(worker: single, deviceClass: nil, image: "image")
            let same = Make(worker: single, deviceClass: "test-1", image: "another")
            #expect(try await !Self.remade(test, "single", before, same))
            #expect(
                try await Self.remade(
                    test, "moved", before, Make(worker: single, deviceClass: "test-2", image: "another")))
            // The row of this worker speaks of another generator: it can neither fail nor vouch for the job's images.
            let several = try await Self.registerSeveral(test, first: "blank")
            let unknown = Make(worker: several, deviceClass: nil, image: "image")
            #expect(
                try await Self.remade(
                    test, "several", unknown, Make(worker: several, deviceClass: "blank-1", image: "another")))
        }
    }

    /// While an upgrade is under way, a program of before replaces an output and knows nothing of the new columns.
    @Test func aProgramOfBeforeLeavesNoClassOfAnotherBehind() async throws {
        try await TestCatalogue.with { test in
            let worker = try await test.register()
            let job = try await test.enqueue("job", tasks: 1, shardSize: 1)
            let target = try #require(try await test.catalogue.unhintedShards(job: job.id).first)
            #expect(try await Self.make(test, target, Make(worker: worker, deviceClass: "gpu", image: "image")))
            try await Self.lose(test, target)
            let claim = try await test.catalogue.claim(
                target.hint(0..<1), limit: 1, worker: worker, lease: .seconds(60))
            let epoch = try #require(claim.batch?.items.first?.epoch)
            try await test.execute(
                """
                INSERT INTO outputs AS o (shard_id, number, sha256, bytes, width, height, epoch, worker_id)
                VALUES (\(target.shard), 0, \(SHA256.digest(of: "old").bytes), 1, 8, 8, \(epoch), \(worker))
                ON CONFLICT (shard_id, number) DO UPDATE
                SET sha256 = excluded.sha256, bytes = excluded.bytes, width = excluded.width, height = excluded.height,
                    epoch = excluded.epoch, worker_id = excluded.worker_id, recorded_at = now(), lost_at = NULL
                """)
            try await test.execute("UPDATE tasks SET state = 'done', lease_id = NULL WHERE kind = 'generate'")
            try await test.execute("DELETE FROM leases")
            try await test.execute("UPDATE shards SET done = 1")
            #expect(try await test.catalogue.outputs().map(\.deviceClass) == [nil])
            try await Self.lose(test, target)
            #expect(
                try await Self.make(test, target, Make(worker: worker, deviceClass: "gpu", image: "image")),
                "what was lost was not made on a gpu")
            try await Self.lose(test, target)
            #expect(try await !Self.make(test, target, Make(worker: worker, deviceClass: "gpu", image: "another")))
        }
    }
}
