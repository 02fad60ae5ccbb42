// What a gate found is recorded with the image, and replaced with it.

import Catalogue
import Digests
import Fixtures
import Postgres
import Tasks
import Testing

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct JudgementTests {
    private static func judgement(_ retry: Int) -> String {
        #"{"objects":[{"iou":0.75,"score":0.5},null],"passed":true,"recall":1,"retry":\#(retry),"seed":9007199254740991}"#
    }

    private static func image(_ text: String, _ judgement: String?) -> TaskOutcome {
        .image(ImageRecord(digest: SHA256.digest(of: text), bytes: 1, width: 8, height: 8, judgement: judgement))
    }

    @Test func aJudgementIsRecordedBesideItsImage() async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("job", tasks: 4, shardSize: 4)
            let worker = try await test.register()
            let target = try #require(try await test.catalogue.unhintedShards(job: job.id).first)
            func finish(_ numbers: Range<Int>, _ outcomes: [TaskOutcome]) async throws {
                let claim = try await test.catalogue.claim(
                    target.hint(numbers), limit: numbers.count, worker: worker, lease: .seconds(60))
                let report = try await test.catalogue.finish(
                    try #require(claim.batch), results: zip(numbers, outcomes).map(TaskResult.init), worker: worker,
                    isReproducible: false, backoff: { _ in .zero })
                #expect(report.accepted == Array(numbers))
            }
            // One batch with judgements, one without.
            try await finish(0..<2, [Self.image("a", Self.judgement(0)), Self.image("b", Self.judgement(2))])
            try await finish(2..<4, [Self.image("c", nil), Self.image("d", nil)])
            let outputs = try await test.catalogue.outputs(ofShard: target.shard)
            #expect(outputs.map { $0.judgement == nil } == [false, false, true, true])
            #expect(
                try await test.number(
                    "SELECT count(*) FROM outputs WHERE judgement = '\(unsafeRaw: Self.judgement(2))' AND number = 1")
                    == 1)
            // Lost, and made again: what was found the first time is gone with the image.
            let contents = try #require(try await test.catalogue.contents(ofShard: target.shard))
            let lost = contents.outputs.filter { $0.number == 1 }.map {
                LostRecord(number: $0.number, digest: $0.digest)
            }
            #expect(try await test.catalogue.reopen(contents.row, lost: lost))
            try await finish(1..<2, [Self.image("e", Self.judgement(1))])
            #expect(
                try await test.number(
                    "SELECT count(*) FROM outputs WHERE judgement = '\(unsafeRaw: Self.judgement(1))' AND number = 1")
                    == 1)
        }
    }
}
