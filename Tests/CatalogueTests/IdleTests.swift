// Idle means: nothing that this worker can serve is open, waiting or leased.

import Catalogue
import Digests
import Fixtures
import Tasks
import Testing

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct IdleTests {
    private static let sketch = description(.generate, Capability(rawValue: "sketch"))
    private static let diffusion = description(.generate, Capability(rawValue: "diffusion"))
    private static let pack = description(.pack, .archive)

    private static func description(_ kind: TaskKind, _ capability: Capability) -> HandlerDescription {
        HandlerDescription(kind: kind, capability: capability, maximumBatch: 1, deviceClass: "test-1")
    }

    @Test func onlyWhatTheWorkerServesKeepsItFromLeaving() async throws {
        try await TestCatalogue.with { test in
            let catalogue = test.catalogue
            #expect(try await catalogue.isIdle(serving: [Self.sketch, Self.pack]))
            let job = try await test.enqueue("idle", tasks: 1, shardSize: 1)
            #expect(try await !catalogue.isIdle(serving: [Self.sketch]))
            #expect(try await catalogue.isIdle(serving: [Self.diffusion]))
            #expect(try await catalogue.isIdle(serving: [Self.pack]))
            let worker = try await test.register()
            let target = try #require(try await catalogue.unhintedShards(job: job.id).first)
            let claim = try await catalogue.claim(target.hint(0..<1), limit: 1, worker: worker, lease: .seconds(600))
            #expect(try await !catalogue.isIdle(serving: [Self.sketch]), "others' leases count")
            let output = OutputRecord(digest: SHA256.digest(of: "x"), bytes: 1, width: 8, height: 8)
            _ = try await catalogue.finish(
                try #require(claim.batch), results: [TaskResult(number: 0, outcome: .output(output))], worker: worker,
                backoff: { _ in .seconds(1) })
            #expect(try await catalogue.isIdle(serving: [Self.sketch]), "packing is for those who pack")
            #expect(try await !catalogue.isIdle(serving: [Self.pack]))
            _ = try await catalogue.pause(job: "idle")
            #expect(try await catalogue.isIdle(serving: [Self.pack]), "a paused job's tasks cannot be served")
        }
    }
}
