// Consuming from a real broker: losses, old acknowledgements, pauses, broadcasts and huge messages.

import Foundation
import Testing

@testable import Broker

@Suite(.enabled(if: TestBroker.isThere, TestBroker.missing), .timeLimit(.minutes(1)))
struct ConsumerTests {
    private func publish(_ messages: [OutgoingMessage], _ topology: Topology) async throws {
        try await TestBroker.withPublisher(nil, topology) { publisher in
            try await publisher.publish(messages, deadline: .seconds(30))
        }
    }

    @Test func aMessageArrivesAsItWasSent() async throws {
        try await TestBroker.withQueue { queue in
            let sent = TestBroker.message(7, to: queue)
            try await publish([sent], TestBroker.topology(queue))
            try await TestBroker.withConsumer(queues: [ConsumedQueue(queue)]) { consumer in
                var deliveries = consumer.deliveries.makeAsyncIterator()
                let delivery = try #require(await deliveries.next())
                #expect(delivery.message == sent.message)
                #expect(delivery.queue == queue)
                #expect(!delivery.redelivered)
                consumer.acknowledge(delivery.tag)
            }
        }
    }

    @Test func consumingGoesOnAfterALossAndOldAcknowledgementsAreDropped() async throws {
        try await TestBroker.withQueue { queue in
            let topology = TestBroker.topology(queue)
            try await publish((0..<200).map { TestBroker.message($0, to: queue) }, topology)
            try await TestBroker.withConsumer(topology, queues: [ConsumedQueue(queue, prefetch: 10)]) { consumer in
                var seen: Set<String> = []
                var held: Delivery?
                for await delivery in consumer.deliveries {
                    if delivery.tag.generation == 1, seen.count == 50 {
                        held = held ?? delivery
                        if held == delivery { consumer.cutConnection() }
                        continue
                    }
                    if let old = held, delivery.tag.generation == 2 {
                        #expect(!consumer.isCurrent(old.tag))
                        #expect(consumer.isCurrent(delivery.tag))
                        // On the new connection these numbers belong to others: taken at their word they would lose messages.
                        consumer.acknowledge(old.tag)
                    }
                    consumer.acknowledge(delivery.tag)
                    seen.insert(delivery.message.messageID)
                    if seen.count == 200 { break }
                }
                #expect(held != nil)
                #expect(seen.count == 200)
                #expect(consumer.isConnected)
            }
        }
    }

    @Test func rejectingRequeues() async throws {
        try await TestBroker.withQueue { queue in
            let topology = TestBroker.topology(queue)
            try await publish([TestBroker.message(1, to: queue)], topology)
            try await TestBroker.withConsumer(queues: [ConsumedQueue(queue)]) { consumer in
                var deliveries = consumer.deliveries.makeAsyncIterator()
                let first = try #require(await deliveries.next())
                consumer.reject(first.tag, requeue: true)
                let second = try #require(await deliveries.next())
                #expect(second.redelivered)
                #expect(second.message.headers["x-delivery-count"] == "1")
                consumer.acknowledge(second.tag)
            }
        }
    }

    @Test func aPausedConsumerGetsNothingAndCanStillAcknowledge() async throws {
        try await TestBroker.withQueue { queue in
            let topology = TestBroker.topology(queue)
            try await publish((0..<3).map { TestBroker.message($0, to: queue) }, topology)
            try await TestBroker.withConsumer(queues: [ConsumedQueue(queue)]) { consumer in
                var deliveries = consumer.deliveries.makeAsyncIterator()
                let first = try #require(await deliveries.next())
                consumer.setConsuming(false)
                consumer.acknowledge(first.tag)
                let resting = QueueCounts(messages: 2, consumers: 0)
                while try await BrokerProbe.check(TestBroker.url(), queues: [queue]).queues[queue] != resting {
                    await Task.yield()
                }
                consumer.setConsuming(true)
                let second = try #require(await deliveries.next())
                #expect(!second.redelivered)
                #expect(second.message.messageID == "1")
                consumer.acknowledge(second.tag)
                let third = try #require(await deliveries.next())
                consumer.acknowledge(third.tag)
            }
        }
    }

    @Test func anOversizedMessageIsCutAndTheNextOneArrives() async throws {
        try await TestBroker.withQueue { queue in
            let topology = TestBroker.topology(queue)
            let messages = [
                TestBroker.message(1, to: queue, size: 20 << 20),
                TestBroker.message(2, to: queue, size: Delivery.largestBody), TestBroker.message(3, to: queue, size: 0),
            ]
            try await publish(messages, topology)
            try await TestBroker.withConsumer(queues: [ConsumedQueue(queue)]) { consumer in
                var deliveries = consumer.deliveries.makeAsyncIterator()
                let huge = try #require(await deliveries.next())
                #expect(huge.isOversized)
                #expect(huge.bodySize == 20 << 20)
                #expect(huge.message.body.count == Delivery.keptOfOversizedBody)
                consumer.acknowledge(huge.tag)
                let largest = try #require(await deliveries.next())
                #expect(!largest.isOversized)
                #expect(largest.message.body.count == Delivery.largestBody)
                consumer.acknowledge(largest.tag)
                let empty = try #require(await deliveries.next())
                #expect(empty.message.body.isEmpty)
                consumer.acknowledge(empty.tag)
            }
        }
    }

    @Test func broadcastsReachEveryConsumerAndNobodyIsNoError() async throws {
        let exchange = "detdiffusion.test.control.\(UUID().uuidString)"
        var message = TestBroker.message(1, to: "")
        message.exchange = exchange
        message.mandatory = false
        let broadcast = message
        try await TestBroker.withQueue { queue in
            var topology = TestBroker.topology(queue)
            topology.fanoutExchanges = [exchange]
            try await TestBroker.withPublisher(nil, topology) { publisher in
                try await publisher.publish([broadcast], deadline: .seconds(20))
                try await TestBroker.withConsumer(queues: [], broadcast: exchange) { first in
                    try await TestBroker.withConsumer(queues: [], broadcast: exchange) { second in
                        while !first.isConnected || !second.isConnected { await Task.yield() }
                        first.setConsuming(false)
                        try await publisher.publish([broadcast], deadline: .seconds(20))
                        for consumer in [first, second] {
                            var broadcasts = consumer.broadcasts.makeAsyncIterator()
                            #expect(await broadcasts.next() == broadcast.message)
                        }
                    }
                }
            }
            try await BrokerProbe.perform(TestBroker.url()) { connection throws(BrokerError) in
                try connection.deleteExchange(exchange)
            }
        }
    }

    @Test func aMissingQueueEndsTheFirstRunWithAnErrorThatNamesIt() async throws {
        let consumer = try Consumer(
            url: TestBroker.url(), topology: Topology(), queues: [ConsumedQueue("detdiffusion.test.nowhere")],
            logger: TestBroker.logger)
        let error = try await #require(throws: BrokerError.self) { try await consumer.run() }
        #expect(error.description.contains("'detdiffusion.test.nowhere'"))
        var deliveries = consumer.deliveries.makeAsyncIterator()
        #expect(await deliveries.next() == nil)
    }

    @Test func aDeletedQueueIsDeclaredAgain() async throws {
        try await TestBroker.withQueue { queue in
            let topology = TestBroker.topology(queue)
            try await publish([TestBroker.message(1, to: queue)], topology)
            try await TestBroker.withConsumer(topology, queues: [ConsumedQueue(queue)]) { consumer in
                var deliveries = consumer.deliveries.makeAsyncIterator()
                let first = try #require(await deliveries.next())
                consumer.acknowledge(first.tag)
                try await BrokerProbe.perform(TestBroker.url()) { connection throws(BrokerError) in
                    try connection.deleteQueue(queue)
                }
                while !(try await BrokerProbe.queueExists(queue, at: TestBroker.url())) { await Task.yield() }
                try await publish([TestBroker.message(2, to: queue)], topology)
                let second = try #require(await deliveries.next())
                #expect(second.message.messageID == "2")
                consumer.acknowledge(second.tag)
            }
        }
    }
}
