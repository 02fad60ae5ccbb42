// Alarms, forced closes and a frozen broker: these disturb everybody on the broker, so they run alone and on demand.

import Foundation
import Synchronization
import Testing

@testable import Broker

/// Enabled by `DETDIFFUSION_BROKER_DISRUPT=1` with `DETDIFFUSION_RABBITMQCTL`, on a broker of one's own.
@Suite(
    .serialized, .timeLimit(.minutes(1)),
    .enabled(
        if: TestBroker.isThere && TestBroker.control != nil
            && ProcessInfo.processInfo.environment["DETDIFFUSION_BROKER_DISRUPT"] != nil,
        "DETDIFFUSION_BROKER_DISRUPT is not set: the broker is left in peace"))
struct BrokerDisruptionTests {
    @Test func anAlarmMakesPublishersWaitAndTheDeadlineNamesIt() async throws {
        try await TestBroker.withQueue { queue in
            try await TestBroker.withPublisher(nil, TestBroker.topology(queue)) { publisher in
                try await publisher.publish([TestBroker.message(0, to: queue)], deadline: .seconds(20))
                try TestBroker.controlBroker(["set_vm_memory_high_watermark", "0.00001"])
                defer {
                    #expect(throws: Never.self) {
                        try TestBroker.controlBroker(["set_vm_memory_high_watermark", "0.4"])
                    }
                }
                let error = try await #require(throws: BrokerError.self) {
                    while true {
                        try await publisher.publish([TestBroker.message(1, to: queue)], deadline: .seconds(2))
                    }
                }
                #expect(error.code == .unavailable)
                #expect(error.description.contains("alarm"))
                async let waiting: Void = publisher.publish([TestBroker.message(2, to: queue)], deadline: .seconds(30))
                try TestBroker.controlBroker(["set_vm_memory_high_watermark", "0.4"])
                try await waiting
            }
        }
    }

    @Test func aForcedCloseLosesNoMessage() async throws {
        try await TestBroker.withQueue { queue in
            try await TestBroker.withPublisher(nil, TestBroker.topology(queue), window: 256) { publisher in
                let confirmed = Mutex(0)
                async let publishing: Void = publisher.publish(
                    (0..<40_000).lazy.map { TestBroker.message($0, to: queue) }, deadline: .seconds(30)
                ) { _ in confirmed.withLock { $0 += 1 } }
                try TestBroker.controlBroker(["close_all_connections", "maintenance"])
                try await publishing
                #expect(confirmed.withLock { $0 } == 40_000)
            }
        }
    }

    @Test func aFrozenBrokerHangsNeitherACallNorTheStop() async throws {
        try await TestBroker.withQueue { queue in
            let publisher = try Publisher(
                url: TestBroker.url(), topology: TestBroker.topology(queue), logger: TestBroker.logger)
            let run = Task { try await publisher.run() }
            try await publisher.publish([TestBroker.message(0, to: queue)], deadline: .seconds(20))
            let text = try TestBroker.outputOfControl(["-q", "eval", "os:getpid()."])
            let process = try #require(Int32(text.filter(\.isNumber)))
            kill(process, SIGSTOP)
            defer { kill(process, SIGCONT) }
            // More than any socket buffer holds, so that the thread is stuck inside the library.
            let messages = (0..<40).map { TestBroker.message($0, to: queue, size: 1 << 20) }
            let error = try await #require(throws: BrokerError.self) {
                try await publisher.publish(messages, deadline: .seconds(1))
            }
            #expect(error.code == .unavailable)
            let start = ContinuousClock.now
            run.cancel()
            try await run.value
            #expect(ContinuousClock.now - start < .seconds(2))
        }
    }
}
