// Garbage collection takes what nobody needs, and nothing else.

import Catalogue
import Fixtures
import Foundation
import Postgres
import Tasks
import Testing

@testable import Auditing
@testable import Stores

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
            try Data("half".utf8).write(to: URL(fileURLWithPath: stage.store.ownScratch.newFile().path))
            #expect(try await stage.collect(older: .seconds(3600)).temporaries == 0)
            #expect(try await stage.collect().archives == 0)
            try await stage.test.catalogue.purge(job: AuditStage.name)
            let report = try await stage.collect()
            #expect(report.archives == 2 && report.archiveBytes > 0 && report.foreign == 0)
            #expect(try stage.store.archives(ofJob: AuditStage.name).archives.isEmpty)
        }
    }

    @Test func whatTheCatalogueNeverKnewStays() async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            let foreign = [
                "shards/job/job-000002.tar", "shards/job/README", "shards/other/other-000000.tar", "shards/loose.tar",
                "objects/README", "objects/00/notes.txt", "objects/00/\(String(repeating: "0", count: 62)).jpg",
                "tmp/2026-11", "tmp/notes.txt",
            ]
            for path in foreign {
                let file = URL(fileURLWithPath: stage.store.absolutePath(of: path))
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data("somebody's".utf8).write(to: file)
            }
            for isDryRun in [true, false] {
                let report = try await stage.collect(isDryRun: isDryRun)
                #expect(report.objects == 4 && report.archives == 0 && report.temporaries == 0)
                #expect(report.foreign == foreign.count && report.foreignExamples.count == 5)
                #expect(Set(report.foreignExamples).isSubset(of: foreign))
            }
            try await stage.test.catalogue.purge(job: AuditStage.name)
            #expect(try await stage.collect().archives == 2, "what was purged goes, its neighbours stay")
            for path in foreign {
                #expect(FileManager.default.fileExists(atPath: stage.store.absolutePath(of: path)), "\(path)")
            }
        }
    }

    /// A job of the same name as a purged one keeps its archives; those beyond its shards were the purged one's.
    @Test func aNameThatCameBackKeepsWhatIsItsOwn() async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            try await stage.test.catalogue.purge(job: AuditStage.name)
            _ = try await stage.test.enqueue(AuditStage.name, tasks: 2, shardSize: 2)
            #expect(try await stage.collect().archives == 1)
            #expect(try stage.store.archives(ofJob: AuditStage.name).archives.map(\.number) == [0])
        }
    }

    @Test func aFewObjectsAtATimeIsAsGoodAsAll() async throws {
        try await AuditStage.with { stage in
            try await stage.work(shards: [0])
            try await stage.work(shards: [1], kinds: [.generate])
            for number in 0..<20 { _ = try stage.store.put([UInt8(number)], extension: "png") }
            let report = try await GarbageCollection(
                catalogue: stage.test.catalogue, store: stage.store, limit: .zero, isDryRun: false, candidateLimit: 3
            ).run(verify: true)
            #expect(report.objects == 22 && report.doubtfulArchives == 0 && stage.loose == 2)
            #expect(try await stage.audit().1 == [])
        }
    }

    /// Nothing here needs a folder. What a store may not remove yet stays, whatever limit was asked for.
    @Test func aStoreWithoutAFolderIsAuditedMendedAndCollected() async throws {
        let site = MemorySite(graceAge: .seconds(600))
        try await AuditStage.with(site) { stage in
            try await stage.work()
            #expect(try await stage.audit().1 == [])
            site.plant(try #require(try await stage.shard(0).tar), [1, 2, 3])
            #expect(try await stage.audit().1.isEmpty == false)
            _ = try await stage.reconcile()
            try await stage.work()
            #expect(try await stage.audit().1 == [])
            for isDryRun in [true, false] { #expect(try await stage.collect(isDryRun: isDryRun).objects == 0) }
            for key in site.keys { site.makeOld(key, by: .seconds(700)) }
            #expect(try await stage.collect(verify: true).objects == 4)
            #expect(try stage.opened.allObjects() == [] && site.keys.count == 2)
            #expect(try await stage.audit().1 == [])
            site.replace(identity: nil)
            let error = await #expect(throws: StoreError.self) { try await stage.collect() }
            #expect(error?.code == .away)
        }
    }

    @Test func anObjectDirectoryThatHasGoneEndsTheCollection() async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            let left = try await stage.away {
                let error = await #expect(throws: StoreError.self) { try await stage.collect() }
                #expect(error?.code == .away)
            }
            #expect(left == ["objects", "shards", "tmp"])
            #expect(stage.loose == 4)
        }
    }
}

extension AuditStage {
    /// Loose objects in the store; -1 when they cannot be listed.
    var loose: Int { (try? store.allObjects().count) ?? -1 }
}
