// A real broker for the tests that need one: AMQP_URL, with queues that are gone afterwards.

import Foundation
import Logging
import Testing

@testable import Broker

enum TestBroker {
    static let isThere = ProcessInfo.processInfo.environment["AMQP_URL"] != nil
    static let missing: Comment = "AMQP_URL is not set: no broker to test against"
    /// A command that runs rabbitmqctl on that broker, for policies.
    static let control = ProcessInfo.processInfo.environment["DETDIFFUSION_RABBITMQCTL"]
    /// The same or another broker over TLS, certificates included: `amqps://...?cacertfile=...`.
    static let tlsURL = ProcessInfo.processInfo.environment["AMQPS_URL"]

    static func url() throws -> BrokerURL {
        try BrokerURL(#require(ProcessInfo.processInfo.environment["AMQP_URL"]))
    }

    static let logger: Logger = {
        var logger = Logger(label: "broker.tests")
        logger.logLevel = ProcessInfo.processInfo.environment["BROKER_TESTS_LOG"] == nil ? .critical : .debug
        return logger
    }()

    /// Runs the body with the name of a queue that does not exist yet, and deletes it.
    static func withQueue(_ body: (String) async throws -> Void) async throws {
        let name = "detdiffusion.test.\(UUID().uuidString)"
        let result: Result<Void, any Error>
        do { result = .success(try await body(name)) } catch { result = .failure(error) }
        try await BrokerProbe.perform(url()) { connection throws(BrokerError) in try connection.deleteQueue(name) }
        try result.get()
    }

    /// Runs a publisher for as long as the body.
    static func withPublisher(
        _ url: BrokerURL? = nil, _ topology: Topology = Topology(), window: Int = 1024,
        _ body: (Publisher) async throws -> Void
    ) async throws {
        let publisher = Publisher(url: try url ?? Self.url(), topology: topology, window: window, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await publisher.run() }
            try await body(publisher)
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Runs a consumer for as long as the body.
    static func withConsumer(
        _ topology: Topology = Topology(), queues: [ConsumedQueue], broadcast: String? = nil,
        _ body: (Consumer) async throws -> Void
    ) async throws {
        let consumer = try Consumer(
            url: url(), topology: topology, queues: queues, broadcast: broadcast, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await consumer.run() }
            try await body(consumer)
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    static func topology(_ queues: String...) -> Topology { Topology(queues: queues.map { QueueDeclaration($0) }) }

    static func message(_ number: Int, to queue: String, size: Int = 64) -> OutgoingMessage {
        OutgoingMessage(
            routingKey: queue,
            message: Message(
                body: [UInt8](repeating: UInt8(ascii: "x"), count: size), type: "detdiffusion.test.v1",
                messageID: "\(number)", correlationID: "job", headers: ["traceparent": "00-ab-cd-01"]))
    }

    static func controlBroker(_ arguments: [String]) throws { _ = try outputOfControl(arguments) }

    static func outputOfControl(_ arguments: [String]) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "exec \(try #require(control)) \"$@\"", "sh"] + arguments
        process.standardOutput = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return text
    }
}
