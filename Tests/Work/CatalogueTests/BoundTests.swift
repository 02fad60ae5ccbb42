// What keeps a flood, or a role that was stolen, from filling the catalogue.

import Catalogue
import Fixtures
import Postgres
import Testing

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct BoundTests {
    @Test func aFloodOfUnreadableMessagesLeavesTheNewestThousandAndTheirBeginnings() async throws {
        try await TestCatalogue.with { test in
            let body = [UInt8](repeating: UInt8(ascii: "x"), count: 100_000)
            try await test.catalogue.keepDeadLetter(
                queue: "q", messageID: String(repeating: "m", count: 10_000), body: body,
                reason: String(repeating: "r", count: 10_000))
            #expect(try await test.number("SELECT octet_length(body) FROM dead_letters") == 65_536)
            #expect(try await test.number("SELECT length(message_id) FROM dead_letters") == 255)
            #expect(try await test.number("SELECT length(reason) FROM dead_letters") == 2000)
            // Whoever writes them, in one statement or in many.
            try await test.execute(
                "INSERT INTO dead_letters (queue, message_id, body, reason) SELECT 'q', n::text, 'x', 'r' FROM generate_series(1, 5000) n"
            )
            try await test.catalogue.keepDeadLetter(queue: "q", messageID: "last", body: [], reason: "r")
            #expect(try await test.number("SELECT count(*) FROM dead_letters") == 1000)
            #expect(try await test.number("SELECT count(*) FROM dead_letters WHERE message_id = 'last'") == 1)
            #expect(
                try await test.number("SELECT min(message_id::integer) FROM dead_letters WHERE message_id <> 'last'")
                    == 4002)
        }
    }

    @Test func unreadableMessagesAreKeptForThirtyDays() async throws {
        try await TestCatalogue.with { test in
            for number in 0..<3 {
                try await test.catalogue.keepDeadLetter(queue: "q", messageID: "\(number)", body: [], reason: "r")
            }
            try await test.execute(
                "UPDATE dead_letters SET received_at = now() - interval '31 days' WHERE message_id <> '2'")
            try await test.catalogue.keepDeadLetter(queue: "q", messageID: "3", body: [], reason: "r")
            #expect(try await test.number("SELECT sum(message_id::integer) FROM dead_letters") == 5)
        }
    }

    @Test func aLeaseEndsWithItsTime() async throws {
        try await TestCatalogue.with { test in
            let worker = try await test.register()
            try await test.execute(
                "INSERT INTO leases (worker_id, shard_id, kind, expires_at) SELECT \(worker), n, 'pack', now() FROM generate_series(1, 2) n"
            )
            try await test.execute("UPDATE leases SET expires_at = '-infinity' WHERE shard_id = 1")
            try await test.execute("UPDATE leases SET expires_at = now() + interval '1 hour'")
            #expect(try await test.number("SELECT sum(shard_id) FROM leases") == 2)
        }
    }
}
