// Packing beside the device: neither holds up the other, and a drain ends both.

import Broker
import Catalogue
import Digests
import Fixtures
import Foundation
import Logging
import Messaging
import Orchestration
import Postgres
import ServiceLifecycle
import Synchronization
import Tasks
import Testing

@Suite(
    .serialized, .timeLimit(.minutes(1)),
    .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct WorkAsideTests {
    /// Something that happens once and that others wait for.
    private final class Event: Sendable {
        private let hasHappened = Mutex(false)

        func happen() { hasHappened.withLock { $0 = true } }

        func wait() async throws {
            while !hasHappened.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    /// A handler that does what it is told.
    private struct Scripted: TaskHandler {
        let description: HandlerDescription
        let body: @Sendable (DecodedBatch<Void>) async throws -> StoreResults

        func prepare() async throws {}
        func compute(_ batch: DecodedBatch<Void>) async throws -> StoreResults { try await body(batch) }

        /// Makes an image of nothing for every task.
        static func generating(_ before: @escaping @Sendable (DecodedBatch<Void>) async throws -> Void) -> Scripted {
            let sketch = Capability(rawValue: "sketch")
            return Scripted(
                description: HandlerDescription(
                    kind: .generate, capability: sketch, maximumBatch: 1, deviceClass: "scripted-1")
            ) { batch in
                try await before(batch)
                let output = ImageRecord(digest: SHA256.digest(of: "x"), bytes: 1, width: 8, height: 8)
                return { batch.items.map { TaskResult(number: $0.number, outcome: .image(output)) } }
            }
        }

        /// Packs nothing into an archive.
        static func packing(_ before: @escaping @Sendable (DecodedBatch<Void>) async throws -> Void) -> Scripted {
            Scripted(
                description: HandlerDescription(
                    kind: .pack, capability: .archive, maximumBatch: 1, deviceClass: "archive-1", needsDevice: false)
            ) { batch in
                {
                    try await before(batch)
                    let archive = ArchiveRecord(
                        path: "shards/\(batch.shardNumber)", digest: SHA256.digest(of: "y"), bytes: 1, samples: 1)
                    return batch.items.map { TaskResult(number: $0.number, outcome: .archive(archive)) }
                }
            }
        }
    }

    private func worker(
        _ test: TestCatalogue, _ handlers: [Scripted], exitWhenIdle: Duration?, grace: Duration = .zero,
        deliveryPatience: Duration = .milliseconds(200)
    ) throws -> Worker {
        var configuration = WorkerConfiguration(
            name: "aside", lease: .seconds(3), hintHorizon: .milliseconds(300), exitWhenIdle: exitWhenIdle,
            grace: grace, retryDelay: .milliseconds(50))
        configuration.deliveryPatience = deliveryPatience
        return Worker(
            configuration: configuration, handlers: handlers, catalogue: test.catalogue, upkeep: try test.another(),
            renewals: try test.another(),
            broker: try BrokerURL(Surroundings.variable("AMQP_URL") ?? ""),
            introduction: WorkerIntroduction(
                name: "aside", host: "test", pid: 1, version: "test", serves: handlers.map(\.description)),
            logger: TestCatalogue.quietLogger)
    }

    @Test func theDeviceGoesOnWhileAShardIsPacked() async throws {
        try await TestCatalogue.with { test in
            _ = try await test.enqueue("aside", tasks: 6, shardSize: 1)
            let (packingBegan, deviceWentOn) = (Event(), Event())
            let computed = Mutex(0)
            // Once packing has begun the device computes three more batches, and only then packing ends.
            let generate = Scripted.generating { _ in
                let number = computed.withLock {
                    $0 += 1; return $0
                }
                if number == 2 { try await packingBegan.wait() }
                if number == 5 { deviceWentOn.happen() }
            }
            let pack = Scripted.packing { _ in
                packingBegan.happen()
                try await deviceWentOn.wait()
            }
            try await worker(test, [pack, generate], exitWhenIdle: .milliseconds(500)).run()
            #expect(try await test.catalogue.jobs().map(\.state) == ["finished"])
            #expect(try await test.catalogue.outputs().allSatisfy { $0.deviceClass == "scripted-1" })
            #expect(try await test.number("SELECT count(*) FROM leases") == 0)
        }
    }

    @Test func aDrainEndsPackingAndGivesItBackWithoutCharge() async throws {
        try await TestCatalogue.with { test in
            _ = try await test.enqueue("drained", tasks: 1, shardSize: 1)
            let packingBegan = Event()
            let pack = Scripted.packing { _ in
                packingBegan.happen()
                try await Task.sleep(for: .seconds(3600))
            }
            let worker = try worker(test, [pack, .generating { _ in }], exitWhenIdle: nil, grace: .milliseconds(100))
            let group = ServiceGroup(
                configuration: .init(
                    services: [.init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup)],
                    logger: TestCatalogue.quietLogger))
            async let running: Void = group.run()
            try await packingBegan.wait()
            await group.triggerGracefulShutdown()
            try await running
            let tasks = try await test.catalogue.tasks()
            #expect(tasks.map(\.kind) == ["generate", "pack"] && tasks.map(\.state) == ["done", "open"])
            #expect(tasks.allSatisfy { $0.attempt == 0 && $0.deaths == 0 })
            #expect(tasks.map(\.returns) == [0, 1], "what was given back unfinished shows")
            #expect(try await test.number("SELECT count(*) FROM leases") == 0)
            #expect(try await test.catalogue.workerPages().all().map(\.state) == ["stopped"])
        }
    }

    /// A hint that waits for its turn when the drain begins is somebody else's at once, not when the drain has ended.
    @Test func aDrainHandsBackTheHintsThatItWillNotServe() async throws {
        try await TestCatalogue.with { test in
            let job = try await test.enqueue("left", tasks: 6, shardSize: 1)
            let end = Event()
            let worker = try worker(
                test, [.generating { _ in try await end.wait() }], exitWhenIdle: nil, grace: .seconds(50),
                deliveryPatience: .seconds(50))
            let group = ServiceGroup(
                configuration: .init(
                    services: [.init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup)],
                    logger: TestCatalogue.quietLogger))
            async let running: Void = group.run()
            // One batch computes, one is staged. Of the other four hints the broker has sent one to the worker.
            while try await test.number("SELECT count(*) FROM leases") < 2 { await Task.yield() }
            let others = try Others()
            async let listening: Void = others.run(job: job.id)
            while others.shards.count < 3 { try await Task.sleep(for: .milliseconds(5)) }
            await group.triggerGracefulShutdown()
            while others.shards.count < 4 { try await Task.sleep(for: .milliseconds(5)) }
            try await listening
            end.happen()
            try await running
            #expect(try await test.number("SELECT count(*) FROM tasks WHERE state = 'open' AND kind = 'generate'") == 5)
        }
    }

    /// Another consumer of the worker's queue, which takes hints and claims nothing, until it has had four of the job.
    private final class Others: Sendable {
        private let consumer: Consumer
        private let seen = Mutex<Set<Int64>>([])
        var shards: Set<Int64> { seen.withLock { $0 } }

        init() throws {
            let queue = WorkQueue(kind: .generate, capability: Capability(rawValue: "sketch"), lane: .normal)
            consumer = Consumer(
                url: try BrokerURL(Surroundings.variable("AMQP_URL") ?? ""),
                topology: WorkTopology(queues: [queue]).declared,
                queues: [ConsumedQueue(queue.name, prefetch: 0)], logger: TestCatalogue.quietLogger)
        }

        func run(job: Int64) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.consumer.run() }
                for await delivery in consumer.deliveries {
                    let hint = try Hint(decoding: delivery.message.body)
                    consumer.acknowledge(delivery.tag)
                    let count = seen.withLock { seen in
                        if hint.job == job { seen.insert(hint.shard) }
                        return seen.count
                    }
                    if count == 4 { break }
                }
                group.cancelAll()
            }
        }
    }

    /// What fails here goes back into the queue first, but a worker that is alone tries again until it is over.
    @Test func aWorkerThatIsAloneTriesAgainAfterItsOwnFailure() async throws {
        try await TestCatalogue.with { test in
            _ = try await test.enqueue("alone", tasks: 1, shardSize: 1)
            let attempts = Mutex(0)
            let pack = Scripted.packing { _ in
                if attempts.withLock({
                    $0 += 1; return $0
                }) < 3 {
                    throw TaskFailure()
                }
            }
            try await worker(test, [pack, .generating { _ in }], exitWhenIdle: .milliseconds(500)).run()
            #expect(attempts.withLock { $0 } == 3)
            #expect(try await test.catalogue.jobs().map(\.state) == ["finished"])
        }
    }

    private struct TaskFailure: Error {}
}
