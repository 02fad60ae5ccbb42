// Rates and long waits against a real broker; run by hand, since they take minutes.

import Foundation
import Testing

@testable import Broker

/// Enabled by `DETDIFFUSION_BROKER_MEASURE=1`.
@Suite(
    .serialized,
    .enabled(
        if: TestBroker.isThere && ProcessInfo.processInfo.environment["DETDIFFUSION_BROKER_MEASURE"] != nil,
        "DETDIFFUSION_BROKER_MEASURE is not set: nothing is measured"))
struct BrokerMeasurements {
    @Test(arguments: [1, 64, 512, 2048])
    func publishRate(window: Int) async throws {
        let count = window == 1 ? 2000 : 40_000
        try await TestBroker.withQueue { queue in
            try await TestBroker.withPublisher(nil, TestBroker.topology(queue), window: window) { publisher in
                try await publisher.publish([TestBroker.message(0, to: queue)], deadline: .seconds(20))
                let start = ContinuousClock.now
                try await publisher.publish(
                    (0..<count).lazy.map { TestBroker.message($0, to: queue, size: 1500) }, deadline: .seconds(60)
                ) { _ in }
                report("publish, window \(window)", count, start)
            }
        }
    }

    @Test(arguments: [1, 16, 256])
    func consumeRate(prefetch: Int) async throws {
        let count = prefetch == 1 ? 5000 : 40_000
        try await TestBroker.withQueue { queue in
            let topology = TestBroker.topology(queue)
            try await TestBroker.withPublisher(nil, topology, window: 2048) { publisher in
                try await publisher.publish(
                    (0..<count).lazy.map { TestBroker.message($0, to: queue, size: 1500) }, deadline: .seconds(60)
                ) { _ in }
            }
            try await TestBroker.withConsumer(topology, queues: [ConsumedQueue(queue, prefetch: prefetch)]) {
                consumer in
                var received = 0
                var start = ContinuousClock.now
                for await delivery in consumer.deliveries {
                    if received == 0 { start = .now }
                    received += 1
                    consumer.acknowledge(delivery.tag)
                    if received == count { break }
                }
                report("consume, prefetch \(prefetch)", count, start)
            }
        }
    }

    @Test func anIdleConnectionLivesOnItsHeartbeats() async throws {
        var url = try TestBroker.url()
        url.heartbeat = 2
        let shortBeat = url
        try await TestBroker.withQueue { queue in
            let consumer = Consumer(
                url: shortBeat, topology: TestBroker.topology(queue), queues: [ConsumedQueue(queue)],
                logger: TestBroker.logger)
            try await TestBroker.withPublisher(shortBeat, TestBroker.topology(queue)) { publisher in
                let run = Task { try await consumer.run() }
                try await publisher.publish([TestBroker.message(1, to: queue)], deadline: .seconds(20))
                var deliveries = consumer.deliveries.makeAsyncIterator()
                let delivery = try #require(await deliveries.next())
                try await Task.sleep(for: .seconds(20))
                #expect(consumer.isCurrent(delivery.tag))
                #expect(consumer.isConnected && publisher.isConnected)
                consumer.acknowledge(delivery.tag)
                try await publisher.publish([TestBroker.message(2, to: queue)], deadline: .seconds(20))
                let second = try #require(await deliveries.next())
                #expect(second.tag.generation == 1)
                consumer.acknowledge(second.tag)
                run.cancel()
                try await run.value
            }
        }
    }

    private func report(_ what: String, _ count: Int, _ start: ContinuousClock.Instant) {
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        print("\(what): \(Int(Double(count) / seconds)) messages/s")
    }
}
