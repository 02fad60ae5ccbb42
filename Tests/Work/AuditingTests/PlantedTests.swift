// Recorded paths that lead elsewhere, and planted files and links: found, mended, and never followed.

import Auditing
import Catalogue
import Fixtures
import Foundation
import Postgres
import Tasks
import Testing

@testable import Stores

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct PlantedTests {
    /// Mends everything and expects that nothing is wrong afterwards, and that no image was made again.
    private func expectMended(_ stage: AuditStage) async throws {
        _ = try await stage.reconcile()
        #expect(try await stage.test.number("SELECT count(*) FROM outputs WHERE lost_at IS NOT NULL") == 0)
        try await stage.work()
        #expect(try await stage.audit().1 == [])
    }

    @Test(arguments: ["../../secret.txt", "/dev/zero", "shards/job/job-000001.tar", "x\u{1B}[2J"])
    func aRecordedPathThatLeadsElsewhereIsFoundAndMended(path: String) async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            try await stage.test.execute("UPDATE shards SET tar = \(path) WHERE number = 0")
            for quick in [true, false] {
                let findings = try await stage.audit(quick: quick).1
                #expect(findings.map(\.what) == ["recorded archive"])
                #expect(findings.first?.expected == "shards/job/job-000000.tar")
                #expect(findings.first?.description.unicodeScalars.allSatisfy { $0.value >= 0x20 } == true)
            }
            for verify in [false, true] {
                let report = try await stage.collect(isDryRun: true, verify: verify)
                #expect(report.doubtfulArchives == 1 && report.objects == 2)
            }
            try await expectMended(stage)
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: Plant.allCases)
    func whatWasPlantedForAnArchiveIsFoundAndMended(plant: Plant) async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            let file = stage.store.absolutePath(of: try #require(try await stage.shard(0).tar))
            try plant.replace(file)
            for quick in [true, false] {
                #expect(try await stage.audit(quick: quick).1.contains { $0.what.hasPrefix("archive shards/job") })
            }
            #expect(try await stage.collect(isDryRun: true).doubtfulArchives == 1)
            // An archive comes over everything but a folder.
            if plant == .folder { try FileManager.default.removeItem(atPath: file) }
            try await expectMended(stage)
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: Plant.allCases)
    func whatWasPlantedForAnImageIsNotTheImage(plant: Plant) async throws {
        try await AuditStage.with { stage in
            try await stage.work(kinds: [.generate])
            let image = try ObjectName(try await stage.samples(0)[0].digest, extension: "png").key
            try plant.replace(stage.store.absolutePath(of: image))
            for quick in [true, false] {
                let (audit, findings) = try await stage.audit(quick: quick)
                #expect(audit.lost == 1 && findings.map(\.what) == ["lost image"])
                #expect(findings.first?.found != "none")
            }
            if plant == .folder { try FileManager.default.removeItem(atPath: stage.store.absolutePath(of: image)) }
            _ = try await stage.reconcile()
            try await stage.work()
            #expect(try await stage.audit().1 == [])
        }
    }

    /// Files outside that bear a store's names are old enough to go, and stay.
    @Test func nothingBehindALinkIsCollected() async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            let theirs = stage.store.root + ".theirs"
            defer { try? FileManager.default.removeItem(atPath: theirs) }
            try FileManager.default.createDirectory(atPath: theirs, withIntermediateDirectories: true)
            let names = [
                "job-000000.tar", "detdiffusion-1-0123456789abcdef", String(repeating: "0", count: 62) + ".png",
            ]
            for name in names { try Data("theirs".utf8).write(to: URL(fileURLWithPath: "\(theirs)/\(name)")) }
            for path in ["tmp", "shards/job", "objects/00"] {
                let link = stage.store.absolutePath(of: path)
                if FileManager.default.fileExists(atPath: link) { try FileManager.default.removeItem(atPath: link) }
                try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: theirs)
            }
            try await stage.test.catalogue.purge(job: AuditStage.name)
            let report = try await stage.collect()
            #expect(report.temporaries == 0 && report.archives == 0)
            #expect(Set(report.foreignExamples) == ["tmp", "shards/job", "objects/00"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: theirs).sorted() == names.sorted())
        }
    }

    @Test(arguments: [["export", "coco", "--out"], ["export", "webdataset", "--out"], ["sheet", "--out"]])
    func noCommandReadsWhereARecordLeads(arguments: [String]) async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            let folder = stage.store.root + ".out"
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let commands = Commands(environment: [
                "DATABASE_URL": stage.test.url, "DETDIFFUSION_STORE": stage.store.root,
                "AMQP_URL": "amqp://nobody@127.0.0.1:1/",
            ])
            let tar = try #require(try await stage.shard(0).tar)
            // The archive itself, by another path: even that is not the recorded one.
            for path in ["shards/../\(tar)", "/dev/zero"] {
                try await stage.test.execute("UPDATE shards SET tar = \(path) WHERE number = 0")
                let result = try commands.run("catalogue", arguments + ["\(folder)/out", "--job", "job"])
                #expect(result.status == 1 && result.output == "")
                #expect(result.errors.split(separator: "\n").count == 1)
                #expect(result.errors.contains("expected the path \(tar) in the catalogue, found '\(path)'"))
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
            }
            try await stage.test.execute("UPDATE shards SET tar = \(tar) WHERE number = 0")
            try commands.succeed("catalogue", arguments + ["\(folder)/out", "--job", "job"])
        }
    }
}
