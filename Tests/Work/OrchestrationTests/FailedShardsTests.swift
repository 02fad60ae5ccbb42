// What failed here is left to others for a while, and only that.

import Digests
import Tasks
import Testing

@testable import Orchestration

struct FailedShardsTests {
    @Test func onlyTheWorkThatFailedIsLeftAndOnlyForAWhile() {
        let shards = FailedShards()
        let now = ContinuousClock.now
        #expect(!shards.areLeft(hint(7, .pack), at: now))
        shards.note(batch(7, .pack), until: now + .seconds(10))
        #expect(shards.areLeft(hint(7, .pack), at: now + .seconds(9)))
        #expect(!shards.areLeft(hint(8, .pack), at: now))
        #expect(!shards.areLeft(hint(7, .generate), at: now), "its images may be made again here")
        #expect(!shards.areLeft(hint(7, .pack), at: now + .seconds(10)), "there may be nobody else")
    }

    private func hint(_ shard: Int64, _ kind: TaskKind) -> Hint {
        Hint(kind: kind, job: 1, shard: shard, first: 0, count: 1, specification: SHA256.digest(of: "s"))
    }

    private func batch(_ shard: Int64, _ kind: TaskKind) -> TaskBatch {
        TaskBatch(
            kind: kind, job: .init(id: 1, name: "j", specification: "{}", digest: SHA256.digest(of: "{}")),
            shard: shard, shardNumber: 0, lease: 1, items: [])
    }
}
