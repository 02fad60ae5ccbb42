// Kinds that record results, kinds that follow shards, and shards that nothing follows: data of a job, not words in SQL.

import Catalogue
import Digests
import Fixtures
import Foundation
import Postgres
import Tasks
import Testing

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct KindTests {
    private static let count = TaskKind(rawValue: "count")
    private static let weighing = FollowUp(
        kind: TaskKind(rawValue: "weigh"), capability: Capability(rawValue: "scales"))
    private static let image = TaskOutcome.image(
        ImageRecord(digest: SHA256.digest(of: "x"), bytes: 1, width: 8, height: 8))
    private static let archive = TaskOutcome.archive(
        ArchiveRecord(path: "shards/job/job-000000.tar", digest: SHA256.digest(of: "y"), bytes: 1, samples: 1))

    private static func result(_ text: String, form: ResultRecord.Form = .bytes) -> TaskOutcome {
        .result(ResultRecord(Array(text.utf8), form: form))
    }

    /// Claims everything that a job has to do now and finishes it with one outcome per task.
    @discardableResult
    private static func finish(
        _ test: TestCatalogue, _ job: Int64, worker: Int64, twice: Bool = false, deviceClass: String? = "test-1",
        _ outcome: (Int) -> TaskOutcome
    ) async throws -> FinishReport {
        let target = try #require(try await test.catalogue.claimable(job: job).first)
        let claim = try await test.catalogue.claim(
            target.hint(target.range), capability: target.queue.capability, limit: 16, worker: worker,
            lease: .seconds(60))
        let batch = try #require(claim.batch)
        let results = batch.items.map { TaskResult(number: $0.number, outcome: outcome($0.number)) }
        let report = try await test.catalogue.finish(
            batch, results: results, worker: worker, deviceClass: deviceClass, backoff: { _ in .zero })
        if twice {
            let again = try await test.catalogue.finish(
                batch, results: results, worker: worker, deviceClass: deviceClass, backoff: { _ in .zero })
            #expect(again == report, "after an answer that was lost")
        }
        return report
    }

    private static func expectSound(_ test: TestCatalogue, _ job: Int64, state: String) async throws {
        for account in try await test.catalogue.accounts(job: job) {
            #expect(account.state == state && account.findings == [], "\(account.state): \(account.findings)")
        }
        #expect(try await test.number("SELECT count(*) FROM leases") == 0)
    }

    @Test func resultsAreRecordedOnceAndFinishAShardThatNothingFollows() async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 3, shardSize: 3, kind: Self.count, followUp: nil)
            let worker = try await test.register()
            let report = try await Self.finish(test, job.id, worker: worker, twice: true) { number in
                Self.result("{\"n\":\(number)}", form: .json)
            }
            #expect(report.accepted == [0, 1, 2] && report.failed == [] && report.followUp == nil)
            try await Self.expectSound(test, job.id, state: "finished")
            let results = try await test.catalogue.resultPages().all()
            #expect(results.map(\.task) == [0, 1, 2] && results.allSatisfy { $0.kind == "count" && $0.form == "json" })
            #expect(results.allSatisfy { $0.deviceClass == "test-1" && $0.worker == Int(worker) && !$0.lost })
            #expect(try await test.catalogue.content(of: results[1]) == Array("{\"n\":1}".utf8))
            #expect(try await test.catalogue.tasks().allSatisfy { $0.kind == "count" })
            #expect(try await test.number("SELECT count(*) FROM outputs") == 0)
        }
    }

    @Test(arguments: [true, false])
    func whatFollowsAShardRecordsAnArchiveOrAResult(isArchive: Bool) async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 2, shardSize: 2, followUp: Self.weighing)
            let worker = try await test.register()
            let made = try await Self.finish(test, job.id, worker: worker) { _ in Self.image }
            #expect(made.followUp?.queue == WorkQueue(kind: Self.weighing.kind, capability: Self.weighing.capability))
            try await Self.expectSound(test, job.id, state: "generated")
            let report = try await Self.finish(test, job.id, worker: worker, twice: true) { _ in
                isArchive ? Self.archive : Self.result("heavy")
            }
            #expect(report.accepted == [0] && report.failed == [] && report.followUp == nil)
            try await Self.expectSound(test, job.id, state: "finished")
            let row = try #require(try await test.catalogue.shardRows(job: job.id).first)
            #expect(row.hasFollowUpResult == !isArchive && row.needsArchive == isArchive)
            #expect((row.tar != nil) == isArchive)
        }
    }

    @Test func aFollowUpThatDiesQuarantinesItsShardAndIsRetried() async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 1, shardSize: 1, followUp: Self.weighing)
            let worker = try await test.register()
            try await Self.finish(test, job.id, worker: worker) { _ in Self.image }
            try await Self.finish(test, job.id, worker: worker) { _ in .failed(reason: "broken", isPermanent: true) }
            #expect(try await test.catalogue.shards().map(\.reason) == ["broken"])
            #expect(try await test.catalogue.shards().map(\.state) == ["quarantined"])
            let retried = try await test.catalogue.retry(job: "job")
            #expect(retried.opened == 1 && retried.targets.map(\.queue.kind) == [Self.weighing.kind])
            try await Self.finish(test, job.id, worker: worker) { _ in Self.result("heavy") }
            try await Self.expectSound(test, job.id, state: "finished")
        }
    }

    @Test func outcomesThatDoNotBelongToATaskFailItByName() async throws {
        try await TestCatalogue.with { test in
            let worker = try await test.register()
            let own = try await test.enqueue("own", tasks: 1, shardSize: 1, followUp: nil)
            let first = try await Self.finish(test, own.id, worker: worker) { _ in Self.archive }
            #expect(first.failed == [0])
            let large = try await test.enqueue("large", tasks: 2, shardSize: 2, kind: Self.count, followUp: nil)
            let second = try await Self.finish(test, large.id, worker: worker) { number in
                .result(ResultRecord([UInt8](repeating: 7, count: (16 << 20) + (number == 0 ? 1 : 0)), form: .bytes))
            }
            #expect(second.failed == [0] && second.accepted == [1])
            let followed = try await test.enqueue("followed", tasks: 1, shardSize: 1, followUp: Self.weighing)
            try await Self.finish(test, followed.id, worker: worker) { _ in Self.image }
            let third = try await Self.finish(test, followed.id, worker: worker) { _ in Self.image }
            #expect(third.failed == [0])
            #expect(
                try await test.catalogue.tasks(CatalogueFilter(state: "dead")).map(\.reason) == [
                    "expected an image or a result of kind generate, which is the job's own, found an archive",
                    "expected a result of at most 16777216 bytes, found 16777217; store what is larger as files",
                    "expected an archive or a result of kind weigh, which follows complete shards, found an image",
                ])
            #expect(try await test.number("SELECT count(*) FROM outputs") == 1, "the follow-up's image is not one")
        }
    }

    @Test func aResultThatWasLostHasTheSameHashOnTheSameClassOfDevice() async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 2, shardSize: 2, kind: Self.count, followUp: nil)
            let worker = try await test.register()
            try await Self.finish(test, job.id, worker: worker) { _ in Self.result("seven") }
            try await test.execute("UPDATE results SET content = 'nine' WHERE number = 1")
            let row = try #require(try await test.catalogue.shardRows(job: job.id).first)
            let damaged = try await test.catalogue.damagedResults(ofShard: row.id)
            #expect(damaged.map(\.number) == [1] && damaged.allSatisfy(\.isOwn))
            let lost = damaged.map { LostRecord(number: $0.number, digest: $0.recorded) }
            #expect(try await test.catalogue.reopen(row, lost: lost))
            try await Self.expectSound(test, job.id, state: "open")
            let wrong = try await Self.finish(test, job.id, worker: worker) { _ in Self.result("eight") }
            #expect(wrong.failed == [1])
            while let targets = try await test.catalogue.wakeOneShard() { #expect(targets.count == 1) }
            let elsewhere = try await Self.finish(test, job.id, worker: worker, deviceClass: "test-2") { _ in
                Self.result("eight")
            }
            #expect(elsewhere.accepted == [1])
            try await Self.expectSound(test, job.id, state: "finished")
            #expect(try await test.catalogue.damagedResults(ofShard: row.id) == [])
        }
    }

    @Test func aJobSaysWhatFollowsOnlyOnce() async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 1, shardSize: 1)
            #expect(try await test.enqueue("job", tasks: 2, shardSize: 1).id == job.id)
            let error = await #expect(throws: CatalogueError.self) {
                _ = try await test.enqueue("job", tasks: 2, shardSize: 1, followUp: nil)
            }
            #expect(error?.description.contains("expected nothing to follow its shards, found that pack does") == true)
            #expect(
                try await test.catalogue.followUpQueues().map(\.name) == [
                    "detdiffusion.v1.pack.archive.high", "detdiffusion.v1.pack.archive",
                ])
        }
    }

    @Test(arguments: [
        ("UPDATE jobs SET follow_capability = NULL", "jobs_follow_range"),
        ("UPDATE jobs SET follow_kind = kind", "jobs_follow_range"),
        ("UPDATE jobs SET follow_kind = 'x y'", "jobs_follow_range"),
        (
            "INSERT INTO results SELECT s.id, 'count', -1, 'bytes', 'x', sha256('x'), 1, w.id FROM shards s, workers w",
            "results_number_range"
        ),
        (
            "INSERT INTO results SELECT s.id, 'count', 0, 'bytes', convert_to(repeat('x', 16777217), 'UTF8'), sha256('x'), 1, w.id FROM shards s, workers w",
            "results_size_range"
        ),
    ])
    func theSchemaRefusesWhatNoKindSays(statement: String, constraint: String) async throws {
        try await TestCatalogue.with { test in
            _ = try await test.enqueue("job", tasks: 1, shardSize: 1)
            _ = try await test.register()
            let error = await #expect(throws: PostgresError.self) { try await test.execute(SQL(unsafeRaw: statement)) }
            #expect(error?.code == .constraint(constraint), "\(String(describing: error))")
        }
    }

    @Test func noStatementOfTheCatalogueNamesAKind() throws {
        let folder = Surroundings.root + "/Sources/Work/Catalogue"
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(files.count > 20)
        for file in files {
            let text = try String(contentsOfFile: folder + "/" + file, encoding: .utf8)
            for word in [
                "'pack", "'archive", "'generate'", "\"pack\"", "TaskKind.pack", "TaskKind.generate", ".packing",
                "'detect'", "\"detect\"", "TaskKind.detect",
            ] {
                #expect(!text.contains(word), "\(file) names \(word)")
            }
        }
    }
}
