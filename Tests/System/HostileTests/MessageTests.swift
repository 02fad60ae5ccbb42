// Messages that no producer of ours sent: each ends in the dead-letter table or claims nothing, and the worker goes on.

import Broker
import Digests
import Fixtures
import Foundation
import Messaging
import Orchestration
import Postgres
import Tasks
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct MessageTests {
    private static let queue = WorkQueue(kind: .generate, capability: Capability(rawValue: "sketch"))
    private static let worker = [
        "run", "--lease", "2", "--hint-horizon", "0.5", "--exit-when-idle", "0.7", "--log-level", "info",
    ]

    @Test(.timeLimit(.minutes(2)))
    func aMessageOf100MegabytesIsKeptByItsFirstBytesAndTheWorkerGoesOn() async throws {
        let scratch = try Scratch()
        try await TestCatalogue.with { catalogue in
            let commands = Commands(environment: [
                "DATABASE_URL": catalogue.url, "DETDIFFUSION_STORE": scratch.path + "/store",
            ])
            try catalogue.provision(store: scratch.path + "/store")
            let annotations = try scratch.write("good.json", Annotations.file())
            let huge =
                Self.hintText(version: 1).dropLast() + [UInt8](repeating: UInt8(ascii: " "), count: 100_000_000) + [
                    UInt8(ascii: "}")
                ]
            try await publish([
                ("huge", Array(huge)), ("newer", Self.hintText(version: 2)), ("gone", Self.hintText(version: 1)),
            ])
            try commands.succeed(
                "producer",
                ["enqueue", "--job", "after", "--annotations", annotations, "--strategy", "hard", "--size", "64x48"])
            let process = try commands.start("worker", Self.worker)
            var peak = 0
            while process.isRunning {
                peak = max(peak, Self.peakMegabytes(of: process.identifier))
                try await Task.sleep(for: .milliseconds(20))
            }
            let result = try process.wait()
            #expect(result.status == 0, "\(result.errors.suffix(2000))")
            print("a worker that met a message of 100 MB took at most \(peak) MB")
            #expect(peak > 0 && peak < 400, "expected less than 400 MB at the most, found \(peak) MB")
            #expect(result.errors.utf8.count < 100_000, "expected a short log")
            let kept = try await catalogue.number(
                "SELECT octet_length(body) FROM dead_letters WHERE message_id = 'huge'")
            #expect(kept == 64 << 10)
            #expect(
                try await catalogue.number(
                    "SELECT count(*) FROM dead_letters WHERE reason LIKE '%expected version 1, found 2%'") == 1)
            #expect(try await catalogue.number("SELECT count(*) FROM dead_letters") == 2)
            #expect(try await catalogue.number("SELECT count(*) FROM tasks WHERE state <> 'done'") == 0)
            #expect(try await catalogue.number("SELECT count(*) FROM outputs") == 1)
        }
    }

    /// A hint of a job that no catalogue has.
    private static func hintText(version: Int) -> [UInt8] {
        let hint = Hint(
            kind: .generate, job: 987_654, shard: 987_654, first: 0, count: 16, specification: SHA256.digest(of: "gone")
        )
        return Array(
            String(decoding: hint.encoded(), as: UTF8.self).replacing("\"version\":1", with: "\"version\":\(version)")
                .utf8)
    }

    /// The most memory that a process had so far; 0 when it has gone.
    private static func peakMegabytes(of process: pid_t) -> Int {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
        else { return 0 }
        return kilobytes / 1000
    }

    private func publish(_ messages: [(name: String, body: [UInt8])]) async throws {
        let publisher = Publisher(
            url: try BrokerURL(Surroundings.variable("AMQP_URL") ?? ""),
            topology: WorkTopology(queues: [Self.queue]).declared,
            logger: TestCatalogue.quietLogger)
        try await publisher.whileRunning {
            for (name, body) in messages {
                let message = Message(body: body, type: MessageNames.hintType, messageID: name)
                try await publisher.publish(
                    [OutgoingMessage(routingKey: Self.queue.name, message: message)], deadline: .seconds(60))
            }
        }
    }
}
