// Each corruption is found by an audit and mended by reconciling; a good job has none.

import Auditing
import Catalogue
import Fixtures
import Foundation
import Postgres
import Tasks
import Testing

@testable import Stores

/// A way to harm a job of two finished shards, of which the second may not be packed yet.
enum Harm: String, CaseIterable, Sendable {
    case objectDeleted, objectDamaged, tarByteFlipped, tarDeleted, tarCutOff, tarAndObjectsDeleted, counterWrong
    case leaseMissing, packTaskMissing, packTaskDead, outputDeleted, outputOfAnOpenTask, taskRowDeleted, taskRowAdded
    case orphanRows, stateTakenBack, neverWoken, hintedTomorrow, leasedTillTomorrow, waitingTillTomorrow, epochAtTheEnd
    case numberAtTheEnd, numberBelowZero, secondPackRow, outputWithoutWidth, archiveBelowZero

    /// Whether the second shard is left generated but not packed.
    var needsLooseShard: Bool {
        [
            .objectDeleted, .objectDamaged, .packTaskMissing, .packTaskDead, .leaseMissing, .neverWoken,
            .hintedTomorrow, .leasedTillTomorrow,
            .waitingTillTomorrow, .epochAtTheEnd,
        ].contains(self)
    }

    /// Images whose bytes are nowhere afterwards.
    var lost: Int {
        switch self {
        case .objectDeleted, .objectDamaged: 1
        case .tarAndObjectsDeleted: 2
        default: 0
        }
    }

    func apply(to stage: AuditStage) async throws {
        let finished = try await stage.shard(0), loose = try await stage.shard(1)
        let samples = try await stage.samples(needsLooseShard ? 1 : 0)
        let tar = finished.tar ?? ""
        let test = stage.test
        switch self {
        case .objectDeleted: try stage.remove(samples[1])
        case .objectDamaged: try stage.flip(try ObjectName(samples[0].digest, extension: "png").key, at: 40)
        case .tarByteFlipped: try stage.flip(tar, at: 700)
        case .tarDeleted: try FileManager.default.removeItem(atPath: stage.store.absolutePath(of: tar))
        case .tarCutOff: #expect(truncate(stage.store.absolutePath(of: tar), 2000) == 0)
        case .tarAndObjectsDeleted:
            try FileManager.default.removeItem(atPath: stage.store.absolutePath(of: tar))
            for sample in samples { try stage.remove(sample) }
        case .counterWrong:
            try await test.execute("UPDATE shards SET done = 1, cancelled = 1 WHERE id = \(finished.id)")
        case .leaseMissing:
            try await test.execute(
                "UPDATE tasks SET state = 'leased', lease_id = 999999 WHERE shard_id = \(loose.id) AND kind = 'pack'")
        case .packTaskMissing:
            try await test.execute("DELETE FROM tasks WHERE shard_id = \(loose.id) AND kind = 'pack'")
        case .packTaskDead:
            try await test.execute("UPDATE tasks SET state = 'dead' WHERE shard_id = \(loose.id) AND kind = 'pack'")
            try await test.execute("UPDATE shards SET state = 'quarantined', reason = 'test' WHERE id = \(loose.id)")
        case .outputDeleted:
            try await test.execute("DELETE FROM outputs WHERE shard_id = \(finished.id) AND number = 1")
        case .outputOfAnOpenTask:
            try await test.execute(
                "UPDATE tasks SET state = 'open' WHERE shard_id = \(finished.id) AND kind = 'generate' AND number = 0")
        case .taskRowDeleted:
            try await test.execute(
                "DELETE FROM tasks WHERE shard_id = \(finished.id) AND kind = 'generate' AND number = 1")
        case .taskRowAdded:
            try await test.execute("INSERT INTO tasks (shard_id, kind, number) VALUES (\(finished.id), 'generate', 2)")
        case .orphanRows:
            try await test.execute("INSERT INTO tasks (shard_id, kind, number) VALUES (777, 'generate', 0)")
            try await test.execute("INSERT INTO payloads VALUES (777, 0, 1, 0, '')")
        case .stateTakenBack:
            try await test.execute("UPDATE shards SET state = 'open' WHERE id = \(finished.id)")
        case .hintedTomorrow:
            try await test.withoutRules("shards")
            try await test.execute("UPDATE shards SET hinted_at = now() + interval '1 day' WHERE id = \(loose.id)")
        case .leasedTillTomorrow:
            try await test.withoutRules("leases")
            try await test.execute(
                """
                WITH held AS (
                    INSERT INTO leases (worker_id, shard_id, kind, expires_at)
                    VALUES (\(stage.worker), \(loose.id), 'pack', now() + interval '1 day') RETURNING id)
                UPDATE tasks SET state = 'leased', lease_id = held.id FROM held
                WHERE shard_id = \(loose.id) AND kind = 'pack'
                """)
        case .waitingTillTomorrow:
            for table in ["shards", "tasks"] { try await test.withoutRules(table) }
            try await test.execute("UPDATE shards SET due_at = now() + interval '1 day' WHERE id = \(loose.id)")
            try await test.execute(
                """
                UPDATE tasks SET state = 'waiting', not_before = now() + interval '1 day'
                WHERE shard_id = \(loose.id) AND kind = 'pack'
                """)
        case .epochAtTheEnd:
            try await test.withoutRules("tasks")
            try await test.execute(
                """
                UPDATE tasks SET epoch = 2147483647, attempt = 32767, deaths = -1
                WHERE shard_id = \(loose.id) AND kind = 'pack'
                """)
        case .numberAtTheEnd, .numberBelowZero:
            try await test.withoutRules("tasks")
            try await test.execute(
                """
                INSERT INTO tasks (shard_id, kind, number)
                VALUES (\(finished.id), 'generate', \(self == .numberAtTheEnd ? 2_147_483_647 : -7))
                """)
        case .secondPackRow:
            try await test.execute("INSERT INTO tasks (shard_id, kind, number) VALUES (\(finished.id), 'pack', 1)")
        case .outputWithoutWidth:
            try await test.withoutRules("outputs")
            try await test.execute(
                "UPDATE outputs SET width = 0, bytes = -8 WHERE shard_id = \(finished.id) AND number = 0")
        case .archiveBelowZero:
            try await test.withoutRules("shards")
            try await test.execute("UPDATE shards SET tar_bytes = -8, samples = -1 WHERE id = \(finished.id)")
        case .neverWoken:
            try await test.execute(
                "UPDATE tasks SET state = 'waiting', not_before = now() WHERE shard_id = \(loose.id) AND kind = 'pack'")
        }
    }
}

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct AuditTests {
    @Test func theEquationHoldsAtEveryStage() async throws {
        try await AuditStage.with { stage in
            #expect(
                try await stage.audit().0.equation
                    == "tasks 4 = done 0 + dead 0 + cancelled 0 + leased 0 + waiting 0 + open 4")
            try await stage.work(shards: [0])
            try await stage.work(shards: [1], kinds: [.generate])
            let (audit, findings) = try await stage.audit()
            #expect(findings == [] && audit.holds && audit.done == 4 && audit.shards == 2)
            try await stage.work()
            #expect(try await stage.audit().1 == [])
            #expect(try await stage.audit(quick: true).1 == [])
        }
    }

    @Test(arguments: Harm.allCases)
    func harmIsFoundAndMended(harm: Harm) async throws {
        try await AuditStage.with { stage in
            try await stage.work(shards: [0])
            try await stage.work(shards: [1], kinds: harm.needsLooseShard ? [.generate] : [.generate, .pack])
            try await harm.apply(to: stage)
            let (audit, findings) = try await stage.audit()
            #expect(!findings.isEmpty && audit.lost == harm.lost, "\(findings)")
            var planned: [String] = []
            _ = try await stage.reconciler.reconcile(stage.job, fix: false) { planned.append($0) }
            #expect(try await stage.audit().1 == findings, "a dry run changes nothing")
            let lines = try await stage.reconcile()
            #expect(planned.count == lines.count)
            #expect(try await stage.audit().1 == [], "\(lines)")
            while try await stage.test.catalogue.wakeOneShard() != nil {}
            try await stage.work()
            let (after, left) = try await stage.audit()
            #expect(left == [] && after.done == 4 && after.holds)
            #expect(try await stage.shard(0).state == "finished")
            #expect(try await stage.shard(1).state == "finished")
        }
    }

    @Test func onlyWhatIsReallyLostIsMadeAgainFromADamagedArchive() async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            let samples = try await stage.samples(0)
            let row = try await stage.shard(0)
            for sample in samples { try stage.remove(sample) }
            // Behind the first header and into the first image: the second image stays intact.
            try stage.flip(try #require(row.tar), at: 512 + 40)
            #expect(try await stage.audit().0.lost == 1)
            _ = try await stage.reconcile()
            let lost = try await stage.test.catalogue.outputs().filter(\.lost).map(\.task)
            #expect(lost == [0])
            try await stage.work()
            #expect(try await stage.audit().1 == [])
            // The same images in the same order are the same archive.
            #expect(try await stage.shard(0).digest == row.digest)
        }
    }

    @Test func auditsAndCollectionsAreRightWhileWorkGoesOn() async throws {
        try await AuditStage.with { stage in
            try await withThrowingTaskGroup(of: Int.self) { group in
                group.addTask {
                    try await stage.work()
                    return 0
                }
                group.addTask {
                    var rounds = 0
                    while true {
                        let (audit, findings) = try await stage.audit()
                        #expect(findings == [] && audit.isBalanced)
                        _ = try await stage.collect(verify: true)
                        rounds += 1
                        if try await stage.shard(1).state == "finished" { return rounds }
                    }
                }
                let rounds = try await group.reduce(0, +)
                #expect(rounds > 0)
            }
            #expect(try await stage.audit().0.done == 4)
            #expect(try await stage.audit().1 == [])
        }
    }

    @Test func aLostImageOfACancelledJobIsGivenUp() async throws {
        try await AuditStage.with { stage in
            try await stage.work(shards: [0], kinds: [.generate])
            _ = try await stage.test.catalogue.cancel(job: AuditStage.name)
            #expect(try await stage.audit().1 == [])
            try stage.remove(try await stage.samples(0)[0])
            #expect(try await stage.audit().0.lost == 1)
            _ = try await stage.reconcile()
            let (audit, findings) = try await stage.audit()
            #expect(findings == [] && audit.done == 1 && audit.cancelled == 3)
            #expect(try await stage.shard(0).state == "cancelled")
        }
    }

    @Test func aShardWithAllowedDeadTasksIsNoFinding() async throws {
        try await AuditStage.with { stage in
            let target = try #require(try await stage.test.catalogue.unhintedShards(job: stage.job.id).first)
            let batch = try #require(
                try await stage.test.catalogue.claim(
                    target.hint(0..<1), limit: 1, worker: stage.worker, lease: .seconds(60)
                ).batch)
            _ = try await stage.test.catalogue.finish(
                batch, results: [.init(number: 0, outcome: .failed(reason: "poison", isPermanent: true))],
                worker: stage.worker, backoff: { _ in .zero })
            try await stage.work()
            #expect(try await stage.shard(0).state == "open")
            _ = try await stage.test.catalogue.allowDead(1, job: AuditStage.name)
            try await stage.work()
            #expect(try await stage.shard(0).state == "finished")
            _ = try await stage.test.catalogue.allowDead(0, job: AuditStage.name)
            #expect(try await stage.audit().1 == [])
        }
    }

    @Test func doubledSamplesAreCounted() async throws {
        try await AuditStage.with { stage in
            try await stage.test.execute("UPDATE payloads SET image_id = 100 WHERE image_id = 102")
            let (audit, findings) = try await stage.audit()
            #expect(audit.doubled == 1 && !audit.holds && findings.count == 1)
            #expect(findings.first?.found == "tasks 0/0, 1/0 (shard/task)")
        }
    }

    @Test func aFindingIsOneLineWithPlaceAndFix() async throws {
        try await AuditStage.with { stage in
            try await stage.work(kinds: [.generate])
            try stage.remove(try await stage.samples(1)[1])
            let line = try #require(try await stage.audit(quick: true).1.first).description
            #expect(line.hasPrefix("job 'job' shard 1 task 1: lost image: expected an object of "))
            #expect(line.hasSuffix(", found none; run `detdiffusion-catalogue reconcile --fix`"))
        }
    }
}
