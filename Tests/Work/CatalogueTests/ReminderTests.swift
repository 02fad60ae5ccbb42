// Forgotten shards are hinted by whoever is idle: the urgent lane first, each job from its beginning.

import Catalogue
import Fixtures
import Postgres
import Tasks
import Testing

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct ReminderTests {
    private static let sketch = HandlerDescription(
        kind: .generate, capability: Capability(rawValue: "sketch"), maximumBatch: 1, deviceClass: "test-1")

    @Test func remindersComeInLaneOrderAndOnce() async throws {
        try await TestCatalogue.with { test in
            let catalogue = test.catalogue
            _ = try await test.enqueue("first", tasks: 70, shardSize: 1)
            _ = try await test.enqueue("urgent", tasks: 3, shardSize: 1, lane: .high)
            var reminded: [HintTarget] = []
            while reminded.count < 73 {
                let some = try await catalogue.forgottenShards(serving: [Self.sketch], horizon: .seconds(-1), limit: 16)
                #expect(some.count <= 16)
                if some.isEmpty { break }
                reminded += some
                // Hinted shards are not forgotten until the horizon has passed again.
                try await test.execute(
                    "UPDATE shards SET hinted_at = now() + interval '50 seconds' WHERE hinted_at IS NOT NULL")
            }
            #expect(
                reminded.map(\.jobName) == Array(repeating: "urgent", count: 3) + Array(repeating: "first", count: 70))
            #expect(reminded.prefix(3).map(\.shard) == reminded.prefix(3).map(\.shard).sorted())
            #expect(reminded.dropFirst(3).map(\.shard) == reminded.dropFirst(3).map(\.shard).sorted())
            #expect(try await catalogue.forgottenShards(serving: [Self.sketch], horizon: .seconds(60)).isEmpty)
        }
    }
}
