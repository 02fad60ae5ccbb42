// Garbage collection takes what nobody needs, and nothing else.

import Auditing
import Catalogue
import Fixtures
import Foundation
import Postgres
import Stores
import Tasks
import Testing

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct CollectionTests {
    @Test func onlyObjectsInGoodArchivesOrOfNobodyGo() async throws {
        try await AuditStage.with { stage in
            try await stage.work(shards: [0])
            try await stage.work(shards: [1], kinds: [.generate])
            _ = try stage.store.put(Array("nobody's".utf8), extension: "png")
            #expect(try await stage.collect(older: .seconds(3600)).objects == 0, "all are young")
            let planned = try await stage.collect(isDryRun: true)
            #expect(planned.objects == 3 && stage.loose == 5)
            #expect(try await stage.collect(verify: true) == planned)
            #expect(stage.loose == 2)
            #expect(try await stage.audit().1 == [])
            try await stage.work()
            #expect(try await stage.collect().objects == 2)
            #expect(try await stage.audit().1 == [] && stage.loose == 0)
        }
    }

    @Test func objectsOfADamagedArchiveStay() async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            let tar = try #require(try await stage.shard(0).tar)
            try stage.flip(tar, at: 700)
            let report = try await stage.collect(verify: true)
            #expect(report.objects == 2 && report.doubtfulArchives == 1)
            _ = try await stage.reconcile()
            #expect(try await stage.test.catalogue.outputs().allSatisfy { !$0.lost })
            try await stage.work()
            #expect(try await stage.audit().1 == [])
        }
    }

    @Test func whatAHeldLeaseMayHaveStoredStays() async throws {
        try await AuditStage.with { stage in
            let target = try #require(try await stage.test.catalogue.unhintedShards(job: stage.job.id).first)
            _ = try await stage.test.catalogue.claim(
                target.hint(0..<2), limit: 2, worker: stage.worker, lease: .seconds(600))
            _ = try stage.store.put(Array("not recorded yet".utf8), extension: "png")
            #expect(try await stage.collect().objects == 0)
            try await stage.test.execute("DELETE FROM leases")
            #expect(try await stage.collect().objects == 1)
        }
    }

    @Test func archivesOfPurgedJobsAndStaleTemporariesGo() async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            try Data("half".utf8).write(to: URL(fileURLWithPath: stage.store.temporaryPath()))
            #expect(try await stage.collect(older: .seconds(3600)).temporaries == 0)
            #expect(try await stage.collect().archives == 0)
            try await stage.test.catalogue.purge(job: AuditStage.name)
            let report = try await stage.collect()
            #expect(report.archives == 2 && report.archiveBytes > 0)
            #expect(try stage.store.shardFiles().isEmpty)
        }
    }
}

extension AuditStage {
    /// Loose objects in the store; -1 when they cannot be listed.
    var loose: Int { (try? store.allObjects().count) ?? -1 }
}
