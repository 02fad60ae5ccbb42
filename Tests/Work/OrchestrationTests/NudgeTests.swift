// Control messages: forged ones delay nothing, true ones stop work at once, because the catalogue decides.

import Broker
import Catalogue
import Digests
import Fixtures
import Foundation
import Messaging
import Postgres
import Synchronization
import Tasks
import Testing

@testable import Orchestration

struct JobNudgeTests {
    @Test func aFloodIsOneSignalAndEachJobOnce() async {
        let nudges = JobNudges()
        for round in 0..<1000 { nudges.note(Int64(round % 3 + 1)) }
        #expect(nudges.take() == [1, 2, 3] && nudges.take().isEmpty)
        nudges.finish()
        var signals = 0
        for await _ in nudges.signals { signals += 1 }
        #expect(signals == 1)
    }

    @Test func madeUpJobsTakeNoMemory() {
        let nudges = JobNudges()
        for job in 0..<50_000 as Range<Int64> { nudges.note(job) }
        #expect(nudges.take().count == 10_000)
    }
}

@Suite(
    .serialized, .timeLimit(.minutes(1)),
    .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct NudgeTests {
    /// A generator that computes for as long as a test wants, and counts how often it was stopped.
    private final class Bench: Sendable {
        let begun = Mutex(0)
        let stopped = Mutex(0)
        let mayEnd = Mutex(false)

        func compute() async throws {
            begun.withLock { $0 += 1 }
            do {
                while !mayEnd.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
            } catch {
                stopped.withLock { $0 += 1 }
                throw error
            }
        }
    }

    private struct Handler: TaskHandler {
        let bench: Bench
        let description = HandlerDescription(
            kind: .generate, capability: Capability(rawValue: "nudged"), maximumBatch: 1, deviceClass: "test-1")

        func prepare() async throws {}
        func compute(_ batch: DecodedBatch<Void>) async throws -> StoreResults {
            try await bench.compute()
            let output = ImageRecord(digest: SHA256.digest(of: "x"), bytes: 1, width: 8, height: 8)
            return { batch.items.map { TaskResult(number: $0.number, outcome: .image(output)) } }
        }
    }

    private func enqueue(in test: TestCatalogue) async throws -> EnqueuedJob {
        let draft = JobDraft(
            name: "job", kind: .generate, capability: Capability(rawValue: "nudged"), lane: .normal, strategy: nil,
            specification: "{}", categories: "[]", statistics: "{}", followUp: .packing, shardSize: 1)
        return try await test.catalogue.enqueue(draft, taskCount: 1) { _ in
            TaskDraft(imageID: 1, sample: 0, payload: [])
        }
    }

    private func worker(_ test: TestCatalogue, _ bench: Bench) throws -> Worker {
        let handler = Handler(bench: bench)
        return Worker(
            configuration: WorkerConfiguration(
                // The upkeep that looks without a message comes too late for these tests.
                name: "nudged", lease: .seconds(600), hintHorizon: .milliseconds(300),
                exitWhenIdle: .milliseconds(300)),
            handlers: [handler], catalogue: test.catalogue, upkeep: try test.another(), renewals: try test.another(),
            broker: try BrokerURL(Surroundings.variable("AMQP_URL") ?? ""),
            introduction: WorkerIntroduction(
                name: "nudged", host: "test", pid: 1, version: "test", serves: [handler.description]),
            logger: TestCatalogue.quietLogger)
    }

    private func withAnnouncer(_ body: @escaping @Sendable (Announcer) async throws -> Void) async throws {
        let publisher = Publisher(
            url: try BrokerURL(Surroundings.variable("AMQP_URL") ?? ""), topology: WorkTopology(queues: []).declared,
            logger: TestCatalogue.quietLogger)
        try await publisher.whileRunning {
            try await body(Announcer(publisher: publisher, logger: TestCatalogue.quietLogger))
        }
    }

    @Test func forgedCancelsAndPausesDelayNothing() async throws {
        try await TestCatalogue.with { test in
            let job = try await enqueue(in: test)
            let bench = Bench()
            let worker = try worker(test, bench)
            async let running: Void = worker.run()
            while bench.begun.withLock({ $0 }) == 0 { try await Task.sleep(for: .milliseconds(5)) }
            try await withAnnouncer { announcer in
                for _ in 0..<200 {
                    try await announcer.announce(ControlMessage(job: job.id, action: .cancel))
                    try await announcer.announce(ControlMessage(job: job.id, action: .pause))
                }
            }
            bench.mayEnd.withLock { $0 = true }
            try await running
            #expect(bench.begun.withLock { $0 } == 1 && bench.stopped.withLock { $0 } == 0)
            let task = try #require(try await test.catalogue.tasks().first { $0.kind == "generate" })
            #expect(task.state == "done" && task.epoch == 1 && task.returns == 0)
        }
    }

    @Test func aTrueCancelStopsComputingAlsoAmongForgedOnes() async throws {
        try await TestCatalogue.with { test in
            let job = try await enqueue(in: test)
            let bench = Bench()
            let worker = try worker(test, bench)
            async let running: Void = worker.run()
            while bench.begun.withLock({ $0 }) == 0 { try await Task.sleep(for: .milliseconds(5)) }
            let catalogue = try test.another()
            try await withAnnouncer { announcer in
                try await announcer.announce(ControlMessage(job: job.id, action: .cancel))
                _ = try await catalogue.cancel(job: "job")
                try await announcer.announce(ControlMessage(job: job.id, action: .cancel))
            }
            let clock = ContinuousClock.now
            try await running
            #expect(clock.duration(to: .now) < .seconds(10))
            #expect(bench.stopped.withLock { $0 } == 1)
            let task = try #require(try await test.catalogue.tasks().first)
            #expect(task.state == "cancelled" && task.returns == 1 && task.attempt == 0 && task.deaths == 0)
            await catalogue.close()
        }
    }
}
