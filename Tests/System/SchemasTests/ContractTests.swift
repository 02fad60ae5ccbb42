// The contracts of schemas/ against what real commands publish, pack and read.

import Broker
import Fixtures
import Foundation
import Logging
import Messaging
import Orchestration
import Tasks
import Testing

@Suite(.enabled(if: Readers.python != nil, Comment(rawValue: Readers.missing)))
struct ProfileSchemaTests {
    @Test func everyProfileOfWorkersIsValidAndRead() throws {
        let folder = Surroundings.root + "/workers"
        let profiles = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".json") }
        #expect(!profiles.isEmpty)
        for profile in profiles {
            let text = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(profile)")).filter { $0 != 10 }
            #expect(try Validation.violations(of: "profile.schema.json", in: [Array(text)]) == "", "\(profile)")
            // Read without an error: what stops this worker is the missing database.
            let result = try Commands(environment: ["DATABASE_URL": ""]).run(
                "worker", ["run", "--profile", "\(folder)/\(profile)"])
            #expect(result.errors.contains("--database-url: expected a value"), "\(result.errors)")
        }
    }

    @Test func theSchemaListsTheKeysThatTheWorkerKnows() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Surroundings.root + "/schemas/profile.schema.json"))
        let schema = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let keys = try #require(schema["properties"] as? [String: Any]).keys.filter { $0 != "$schema" }.sorted()
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).json").path
        try Data(#"{"nonsense": 1}"#.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let result = try Commands().run("worker", ["run", "--profile", path])
        #expect(result.errors.contains("expected \(keys.joined(separator: ", "))\n"), "\(result.errors)")
    }

    @Test(arguments: [
        ("profile.schema.json", #"{"batch": 0}"#), ("profile.schema.json", #"{"bacth": 4}"#),
        ("target.schema.json", "{}"), ("target.schema.json", #"{"shares":{"dog":1.5}}"#),
        ("target.schema.json", #"{"shares":{}}"#), ("rules.schema.json", "{}"),
        ("rules.schema.json", #"{"rules":[],"otherwise":"hard"}"#),
        ("rules.schema.json", #"{"rules":[{"use":"easy"}],"otherwise":"hard"}"#),
        ("rules.schema.json", #"{"rules":[{"share":0,"use":"easy"}],"otherwise":"hard"}"#),
        ("rules.schema.json", #"{"rules":[{"when":{"area_bellow":0.1},"use":"easy"}],"otherwise":"hard"}"#),
        ("messages/hint.v1.schema.json", "{}"),
        ("messages/control.v1.schema.json", #"{"action":"explode","job":1,"version":1}"#),
        ("messages/control.v1.schema.json", #"{"action":"pause","job":1,"version":2}"#),
        ("messages/sample.v1.schema.json", #"{"width":8}"#), ("messages/detected.v1.schema.json", #"{"version":1}"#),
    ])
    func theSchemasRefuseWhatTheyShould(schema: String, text: String) throws {
        #expect(try Validation.violations(of: schema, in: [Array(text.utf8)]) != "")
    }
}

@Suite(
    .serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)),
    .enabled(if: Readers.python != nil, Comment(rawValue: Readers.missing)))
struct MessageSchemaTests {
    private static let generate = WorkQueue(kind: .generate, capability: Capability(rawValue: "sketch"))
    private static let pack = WorkQueue(kind: .pack, capability: .archive)

    @Test func whatProducersAndWorkersPublishIsValid() async throws {
        let world = try TestWorld("schemas")
        let job = world.schema
        try world.enqueue(job, limit: 20)
        let hints = try await receive(5, of: job, from: Self.generate)
        #expect(hints.map { $0.messageID }.count == Set(hints.map { $0.messageID }).count)
        // A worker that does not pack leaves its hints to pack for us.
        try world.commands.succeed("worker", TestWorld.worker + ["--batch", "3", "--no-pack"])
        let packs = try await receive(3, of: job, from: Self.pack)
        for message in hints + packs {
            #expect(message.type == "detdiffusion.hint.v1" && message.contentType == "application/json")
            #expect(message.headers["traceparent"]?.wholeMatch(of: /00-[0-9a-f]{32}-[0-9a-f]{16}-01/) != nil)
            #expect(message.persistent)
        }
        #expect(try hints.map { try Hint(decoding: $0.body).kind } == Array(repeating: .generate, count: 5))
        #expect(try packs.map { try Hint(decoding: $0.body).kind } == Array(repeating: .pack, count: 3))
        #expect(try Validation.violations(of: "messages/hint.v1.schema.json", in: (hints + packs).map(\.body)) == "")
        try world.remove()
    }

    @Test func whatControlCommandsBroadcastIsValid() async throws {
        let world = try TestWorld("schemas")
        try world.enqueue("controlled", limit: 4)
        let consumer = try consumer(of: [])
        let bodies = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await consumer.run() }
            defer { group.cancelAll() }
            try world.wait(for: "the consumer") { consumer.isConnected }
            var bodies: [[UInt8]] = []
            var broadcasts = consumer.broadcasts.makeAsyncIterator()
            for verb in ["pause", "resume", "cancel"] {
                try world.commands.succeed("catalogue", [verb, "--job", "controlled"])
                let message = try #require(await broadcasts.next())
                #expect(message.type == "detdiffusion.control.v1")
                #expect(try ControlMessage(decoding: message.body).action.rawValue == verb)
                bodies.append(message.body)
            }
            return bodies
        }
        #expect(try Validation.violations(of: "messages/control.v1.schema.json", in: bodies) == "")
        try world.remove()
    }

    @Test func whatStandsBesideImagesInArchivesIsValid() throws {
        try TestWorld.with("schemas") { world in
            try world.enqueue("packed", limit: 12)
            try world.commands.succeed("worker", TestWorld.worker)
            let archives = try world.records("shards", ["--state", "finished"]).compactMap { $0["tar"] as? String }
            #expect(archives.count == 2)
            for archive in archives {
                #expect(
                    try Validation.violations(of: "messages/sample.v1.schema.json", in: "\(world.store)/\(archive)")
                        == "")
            }
        }
    }

    @Test func whatDetectTasksRecordIsValid() throws {
        try TestWorld.with("schemas") { world in
            let set = try DrawnSet(in: world.folder, images: 3)
            try world.commands.succeed(
                "producer",
                ["attributes", "--job", "seen", "--annotations", set.annotations, "--subset", "all", "--size", "96x72"]
                    + set.detector)
            try world.commands.succeed("worker", TestWorld.worker + ["--images", set.pictures] + set.detector)
            let results = try world.sql("SELECT convert_from(content, 'UTF8') FROM results")
            #expect(results.count == 3)
            #expect(
                try Validation.violations(of: "messages/detected.v1.schema.json", in: results.map { Array($0.utf8) })
                    == "")
        }
    }

    private func consumer(of queues: [WorkQueue]) throws -> Consumer {
        Consumer(
            url: try BrokerURL(Surroundings.variable("AMQP_URL") ?? ""),
            topology: WorkTopology(queues: queues).declared,
            queues: queues.map { ConsumedQueue($0.name, prefetch: 64) }, broadcast: MessageNames.controlExchange,
            logger: TestCatalogue.quietLogger)
    }

    /// Takes messages from a queue until `count` of them belong to `job`; others are left-overs of earlier tests.
    private func receive(_ count: Int, of job: String, from queue: WorkQueue) async throws -> [Message] {
        let consumer = try consumer(of: [queue])
        return await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await consumer.run() }
            defer { group.cancelAll() }
            var messages: [Message] = []
            for await delivery in consumer.deliveries {
                if delivery.message.correlationID == job { messages.append(delivery.message) }
                consumer.acknowledge(delivery.tag)
                if messages.count == count { break }
            }
            return messages
        }
    }
}
