// Messages that nobody can read end in the dead-letter table, with their bytes, and the worker goes on.

import Broker
import Digests
import Fixtures
import Foundation
import Messaging
import Orchestration
import Tasks
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct DeadLetterTests {
    private static let queue = WorkQueue(kind: .generate, capability: Capability(rawValue: "sketch"))

    @Test func unreadableMessagesAreKeptAndTheWorkerGoesOn() async throws {
        let world = try TestWorld("dead")
        let huge = [UInt8](repeating: UInt8(ascii: "x"), count: 2 << 20)
        let hint = Hint(kind: .pack, job: 1, shard: 1, first: 0, count: 1, specification: SHA256.digest(of: "x"))
        let strange = String(decoding: hint.encoded(), as: UTF8.self).replacing("pack", with: "\\u0000")
        let newer = String(decoding: hint.encoded(), as: UTF8.self).replacing("\"version\":1", with: "\"version\":2")
        let bodies: [(name: String, body: [UInt8], says: String)] = [
            ("garbage", [0xFF, 0x00, 0x7B], "3 bytes that do not decode"), ("empty", [], "0 bytes that do not decode"),
            ("huge", huge, "expected at most 1 MiB"), ("other-kind", hint.encoded(), "its kind 'pack'"),
            ("strange-kind", Array(strange.utf8), "expected a kind"),
            ("newer", Array(newer.utf8), "expected version 1, found 2"),
        ]
        try await publish(bodies.map { ($0.name, $0.body) } + [("nul\0name", [1])])
        try world.enqueue("after", limit: 8)
        let result = try world.commands.run("worker", TestWorld.worker)
        #expect(result.status == 0, "\(result.errors.suffix(2000))")
        #expect(try world.records("jobs").first?["state"] as? String == "finished")
        for (name, body, says) in bodies {
            let kept = try world.sql(
                "SELECT queue, octet_length(body), encode(sha256(body), 'hex'), reason FROM dead_letters WHERE message_id = '\(name)'"
            )
            #expect(kept.count == 1, "\(name)")
            let expected = Array(body.prefix(body.count > 1 << 20 ? 64 << 10 : body.count))
            let row = kept.first?.split(separator: "|", maxSplits: 3).map(String.init) ?? []
            #expect(row.first == Self.queue.name && row.dropFirst().first == "\(expected.count)", "\(name): \(row)")
            #expect(row.dropFirst(2).first == SHA256.digest(of: expected).hex, "\(name)")
            #expect(row.last?.contains(says) == true, "\(name): \(row)")
        }
        #expect(try world.sql("SELECT count(*) FROM dead_letters") == ["\(bodies.count + 1)"])
        try world.remove()
    }

    @Test func garbageOnTheControlExchangeIsIgnoredAndTheJobFinishes() async throws {
        let world = try TestWorld("control")
        try world.enqueue("steady", limit: 8, ["--generator", "blank"])
        let worker = try world.commands.start(
            "worker", TestWorld.worker + ["--generator", "blank", "--batch", "2", "--blank-delay", "500"])
        try world.wait(for: "the worker to compute") { try world.sql("SELECT count(*) FROM leases") != ["0"] }
        let job = try #require(try world.sql("SELECT id FROM jobs").first)
        let newer = #"{"action":"cancel","job":\#(job),"version":2}"#
        let bodies = [
            [0xFF, 0x00, 0x7B], Array(newer.utf8), Array(newer.utf8) + [UInt8](repeating: 0x20, count: 20_000_000), [],
        ]
        try await broadcast(bodies)
        let result = try worker.wait()
        #expect(result.status == 0, "\(result.errors.suffix(2000))")
        #expect(try world.records("jobs").first?["state"] as? String == "finished")
        let notices = result.errors.split(separator: "\n").filter {
            $0.contains("An unreadable control message is ignored")
        }
        // A flood of them does not fill the log.
        #expect((1...bodies.count).contains(notices.count), "\(result.errors.suffix(2000))")
        #expect(try world.sql("SELECT count(*) FROM dead_letters") == ["0"])
        try world.remove()
    }

    @Test func aHintOfAnotherCatalogueOrAMadeUpOneClaimsNothing() async throws {
        let world = try TestWorld("dead")
        try world.enqueue("real", limit: 8)
        let shard = try #require(try world.sql("SELECT id FROM shards").first.flatMap { Int64($0) })
        let foreign = [
            Hint(
                kind: .generate, job: 1, shard: shard, first: 0, count: 8, specification: SHA256.digest(of: "foreign")),
            Hint(
                kind: .generate, job: 999, shard: 999_999, first: 0, count: 8,
                specification: SHA256.digest(of: "made up")),
            Hint(
                kind: .generate, job: 1, shard: .max, first: 0, count: 1_000_000,
                specification: SHA256.digest(of: "large")),
        ]
        try await publish(foreign.map { ($0.messageID, $0.encoded()) })
        try world.commands.succeed("worker", TestWorld.worker)
        #expect(try world.records("jobs").first?["state"] as? String == "finished")
        #expect(try world.sql("SELECT count(*) FROM dead_letters") == ["0"])
        #expect(try world.sql("SELECT max(epoch) FROM tasks WHERE kind = 'generate'") == ["1"])
        try world.remove()
    }

    private func broadcast(_ bodies: [[UInt8]]) async throws {
        let outgoing = bodies.map { body in
            OutgoingMessage(
                exchange: MessageNames.controlExchange, routingKey: "",
                message: Message(body: body, type: MessageNames.controlType, messageID: "garbage"), mandatory: false)
        }
        try await publish(outgoing)
    }

    private func publish(_ messages: [(name: String, body: [UInt8])]) async throws {
        try await publish(
            messages.map { name, body in
                OutgoingMessage(
                    routingKey: Self.queue.name,
                    message: Message(body: body, type: MessageNames.hintType, messageID: name))
            })
    }

    private func publish(_ outgoing: [OutgoingMessage]) async throws {
        let publisher = Publisher(
            url: try BrokerURL(Surroundings.variable("AMQP_URL") ?? ""),
            topology: WorkTopology(queues: [Self.queue]).declared,
            logger: TestCatalogue.quietLogger)
        try await publisher.whileRunning { try await publisher.publish(outgoing, deadline: .seconds(20)) }
    }
}
