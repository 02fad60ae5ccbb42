// Publishing to a real broker: windows, returns, losses, refusals, and one clear error for each wrong address.

import Foundation
import Synchronization
import Testing

@testable import Broker

@Suite(.enabled(if: TestBroker.isThere, TestBroker.missing), .timeLimit(.minutes(1)))
struct PublisherTests {
    @Test func confirmsAWindowOfFiveThousandMessages() async throws {
        try await TestBroker.withQueue { queue in
            try await TestBroker.withPublisher(nil, TestBroker.topology(queue), window: 5000) { publisher in
                let messages = (0..<5000).map { TestBroker.message($0, to: queue) }
                try await publisher.publish(messages, deadline: .seconds(20))
                let positions = Mutex(Set<Int>())
                try await publisher.publish(messages.lazy.map { $0 }, deadline: .seconds(20)) { position in
                    positions.withLock { _ = $0.insert(position) }
                }
                #expect(positions.withLock { $0 } == Set(0..<5000))
                #expect(publisher.isConnected)
            }
            let facts = try await BrokerProbe.check(TestBroker.url(), queues: [queue])
            #expect(facts.queueExists(queue))
        }
    }

    @Test func anUnroutableMessageIsAnErrorThatNamesTheQueue() async throws {
        try await TestBroker.withQueue { queue in
            try await TestBroker.withPublisher(nil, TestBroker.topology(queue)) { publisher in
                let messages = [
                    TestBroker.message(1, to: queue), TestBroker.message(2, to: "detdiffusion.test.nowhere"),
                    TestBroker.message(3, to: queue),
                ]
                let error = try await #require(throws: BrokerError.self) {
                    try await publisher.publish(messages, deadline: .seconds(20))
                }
                #expect(error.code == .unroutable)
                #expect(error.confirmedCount == 2)
                #expect(error.description.contains("'detdiffusion.test.nowhere'"))
                try await publisher.publish([messages[0]], deadline: .seconds(20))
            }
        }
    }

    @Test func messagesUnconfirmedAtALossAreSentAgain() async throws {
        try await TestBroker.withQueue { queue in
            let count = 6000
            try await TestBroker.withPublisher(nil, TestBroker.topology(queue), window: 512) { publisher in
                let confirmed = Mutex(0)
                try await publisher.publish(
                    (0..<count).lazy.map { TestBroker.message($0, to: queue) }, deadline: .seconds(30)
                ) { _ in
                    let soFar = confirmed.withLock { confirmed in
                        confirmed += 1
                        return confirmed
                    }
                    if soFar == 1000 || soFar == 3000 { publisher.cutConnection() }
                }
                #expect(confirmed.withLock { $0 } == count)
            }
            var seen: Set<String> = []
            try await TestBroker.withConsumer(queues: [ConsumedQueue(queue, prefetch: 500)]) { consumer in
                for await delivery in consumer.deliveries {
                    consumer.acknowledge(delivery.tag)
                    seen.insert(delivery.message.messageID)
                    if seen.count == count { break }
                }
            }
            #expect(seen.count == count)
        }
    }

    @Test func aMissingExchangeIsAnErrorAndTheNextMessageGoesThrough() async throws {
        try await TestBroker.withQueue { queue in
            try await TestBroker.withPublisher(nil, TestBroker.topology(queue)) { publisher in
                var wrong = TestBroker.message(1, to: queue)
                wrong.exchange = "detdiffusion.test.no-exchange"
                let error = try await #require(throws: BrokerError.self) {
                    try await publisher.publish([wrong], deadline: .seconds(20))
                }
                guard case .closed(404, _) = error.code else {
                    Issue.record("found \(error.code)")
                    return
                }
                #expect(error.description.contains("detdiffusion.test.no-exchange"))
                // The channel was closed by it: this goes over a new connection, after a slow back-off at most.
                try await publisher.publish([TestBroker.message(2, to: queue)], deadline: .seconds(20))
            }
        }
    }

    @Test(.enabled(if: TestBroker.control != nil, "DETDIFFUSION_RABBITMQCTL is not set: no policy can be made"))
    func aFullQueueRefuses() async throws {
        try await TestBroker.withQueue { queue in
            try TestBroker.controlBroker([
                "set_policy", queue, "^\(queue)$", #"{"max-length":5,"overflow":"reject-publish"}"#, "--apply-to",
                "queues",
            ])
            defer { #expect(throws: Never.self) { try TestBroker.controlBroker(["clear_policy", queue]) } }
            try await TestBroker.withPublisher(nil, TestBroker.topology(queue)) { publisher in
                let error = try await #require(throws: BrokerError.self) {
                    // A quorum queue takes a few more than its limit before it refuses.
                    for _ in 0..<20 {
                        try await publisher.publish(
                            (0..<50).map { TestBroker.message($0, to: queue) }, deadline: .seconds(20))
                    }
                }
                #expect(error.code == .nacked)
                #expect(error.description.contains(queue))
            }
        }
    }

    @Test func stoppingEndsEveryCallAndReturnsInTwoSeconds() async throws {
        try await TestBroker.withQueue { queue in
            let publisher = try Publisher(
                url: TestBroker.url(), topology: TestBroker.topology(queue), logger: TestBroker.logger)
            let run = Task { try await publisher.run() }
            let calls = (0..<4).map { _ in
                Task {
                    // Without an end, but for the stop.
                    while true {
                        try await publisher.publish([TestBroker.message(1, to: queue)], deadline: .seconds(60))
                    }
                }
            }
            try await publisher.publish([TestBroker.message(1, to: queue)], deadline: .seconds(20))
            let start = ContinuousClock.now
            run.cancel()
            try await run.value
            #expect(ContinuousClock.now - start < .seconds(2))
            for call in calls {
                let error = await #expect(throws: BrokerError.self) { try await call.value }
                #expect(error?.code == .stopped)
            }
            #expect(!publisher.isConnected)
        }
    }

    @Test func aCancelledCallerStops() async throws {
        try await TestBroker.withQueue { queue in
            try await TestBroker.withPublisher(nil, TestBroker.topology(queue)) { publisher in
                let call = Task {
                    while true {
                        try await publisher.publish([TestBroker.message(1, to: queue)], deadline: .seconds(60))
                    }
                }
                try await publisher.publish([TestBroker.message(2, to: queue)], deadline: .seconds(20))
                call.cancel()
                let error = await #expect(throws: BrokerError.self) { try await call.value }
                #expect(error?.code == .stopped)
            }
        }
    }

    @Test func aWrongPasswordIsOneClearError() async throws {
        var url = try TestBroker.url()
        url.password = "not-the-password"
        let publisher = Publisher(url: url, topology: Topology(), logger: TestBroker.logger)
        let call = Task { try await publisher.publish([TestBroker.message(1, to: "q")], deadline: .seconds(20)) }
        for error in [
            await #expect(throws: BrokerError.self) { try await publisher.run() },
            await #expect(throws: BrokerError.self) { try await call.value },
        ] {
            #expect(error?.code == .authentication)
            #expect(error?.description.contains("'\(url.user)'") == true)
            #expect(error?.description.contains("not-the-password") == false)
        }
    }

    @Test func aWrongVirtualHostIsOneClearError() async throws {
        var url = try TestBroker.url()
        url.virtualHost = "nowhere"
        let publisher = Publisher(url: url, topology: Topology(), logger: TestBroker.logger)
        let error = try await #require(throws: BrokerError.self) { try await publisher.run() }
        #expect(error.code == .authentication)
        #expect(error.description.contains("virtual host 'nowhere'"))
    }

    @Test func anInfrastructureThatIsAwayIsWaitedForUntilTheDeadline() async throws {
        var url = try TestBroker.url()
        url.port = 1
        try await TestBroker.withPublisher(url) { publisher in
            let error = try await #require(throws: BrokerError.self) {
                try await publisher.publish([TestBroker.message(1, to: "q")], deadline: .milliseconds(200))
            }
            #expect(error.code == .unavailable)
            #expect(error.description.contains("connection refused"))
            #expect(error.description.contains("0 of 1"))
        }
    }

    @Test func aFieldThatAMQPCannotHoldIsRefusedBeforeItIsSent() async throws {
        try await TestBroker.withPublisher { publisher in
            let message = TestBroker.message(1, to: String(repeating: "q", count: 256))
            let error = try await #require(throws: BrokerError.self) {
                try await publisher.publish([message], deadline: .seconds(20))
            }
            #expect(error.code == .protocolViolation)
            #expect(error.description.contains("routing key has 256 bytes"))
        }
    }

    @Test func withoutRunADeadlineSaysSo() async throws {
        let publisher = try Publisher(url: TestBroker.url(), topology: Topology(), logger: TestBroker.logger)
        let error = try await #require(throws: BrokerError.self) {
            try await publisher.publish([TestBroker.message(1, to: "q")], deadline: .milliseconds(20))
        }
        #expect(error.description.contains("run()"))
    }
}
