// The commands as a user calls them: what they print, and how they exit.

import Auditing
import Catalogue
import Fixtures
import Foundation
import Postgres
import Tasks
import Testing

@testable import Stores

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct AuditCommandTests {
    private func commands(_ stage: AuditStage) -> Commands {
        Commands(environment: [
            "DATABASE_URL": stage.test.url, "DETDIFFUSION_STORE": stage.store.root,
            "AMQP_URL": "amqp://nobody:secret@127.0.0.1:1/",
        ])
    }

    @Test func auditExitsOneWithOneLinePerFinding() async throws {
        try await AuditStage.with { stage in
            try await stage.work(kinds: [.generate])
            let good = try commands(stage).run("catalogue", ["audit", "--job", "job"])
            #expect(good.status == 0 && good.errors == "")
            #expect(good.output.contains("tasks 4 = done 4 + dead 0 + cancelled 0 + leased 0 + waiting 0 + open 0"))
            #expect(good.output.contains("lost 0, doubled 0"))
            try stage.remove(try await stage.samples(0)[0])
            let bad = try commands(stage).run("catalogue", ["audit", "--json"])
            #expect(bad.status == 1 && bad.errors == "")
            let lines = bad.output.split(separator: "\n").map { Data($0.utf8) }
            #expect(lines.count == 2)
            #expect(try JSONDecoder().decode(Finding.self, from: lines[0]).task == 0)
            #expect(try JSONDecoder().decode(JobAudit.self, from: lines[1]).lost == 1)
        }
    }

    @Test func reconcileNeedsOneOfItsTwoFlagsAndMendsOnce() async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            let commands = commands(stage)
            #expect(try commands.run("catalogue", ["reconcile"]).status == 64)
            try await stage.test.execute("UPDATE shards SET done = 1")
            let planned = try commands.run("catalogue", ["reconcile", "--dry-run"])
            #expect(
                planned.status == 1 && planned.output.contains("job 'job' shard 0: would mend counter done: found 1"))
            let fixed = try commands.run("catalogue", ["reconcile", "--fix"])
            #expect(fixed.status == 0, "\(fixed.output) \(fixed.errors)")
            #expect(try commands.succeed("catalogue", ["reconcile", "--dry-run"]).hasPrefix("0 shards to mend"))
            #expect(try commands.run("catalogue", ["audit"]).status == 0)
        }
    }

    @Test func filesAreVerifiedWithoutServersAndCollectionsCounted() async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            let tar = try #require(try await stage.shard(0).tar)
            let path = stage.store.absolutePath(of: tar)
            let alone = Commands(environment: ["DATABASE_URL": "", "DETDIFFUSION_STORE": "", "AMQP_URL": ""])
            #expect(try alone.succeed("catalogue", ["verify", path]) == "\(path): good\n")
            let report = try commands(stage).succeed("catalogue", ["gc", "--older-than", "0", "--json"])
            #expect(try JSONDecoder().decode(CollectionReport.self, from: Data(report.utf8)).objects == 4)
            try stage.flip(tar, at: 600)
            #expect(try alone.run("catalogue", ["verify", path]).status == 1)
            #expect(try commands(stage).run("catalogue", ["verify", "--job", "job", "--shard", "0"]).status == 1)
            #expect(try commands(stage).run("catalogue", ["verify", "--job", "job", "--shard", "1"]).status == 0)
            #expect(try commands(stage).run("catalogue", ["verify", "--job", "job", "--shard", "7"]).status == 78)
        }
    }
}
