// Producers that die anywhere between COPY and the last mark, and two of them at once.

import Fixtures
import Foundation
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct ProducerCrashTests {
    static let points = [
        CrashPoint("producer.in-copy", 1...1),
        CrashPoint("postgres.before-commit.enqueue", 1...1),
        CrashPoint("postgres.after-commit.enqueue", 1...1),
        CrashPoint("producer.before-publish", 1...1),
        CrashPoint("broker.after-publish", 1...6),
        CrashPoint("broker.after-confirm", 1...1),
        CrashPoint("producer.before-mark", 1...1),
    ]

    @Test("a producer killed at any point and run again publishes what is missing", arguments: points, crashSeeds)
    func producerKilled(at point: CrashPoint, seed: Int) throws {
        try CrashWorld.with { world in
            let passage = pick(point.passages, seed: seed, point.name)
            try runDoomedProducer(in: world, "\(point.name)=kill@\(passage)")
            try world.enqueue()
            try world.heal()
            try world.expectWhole("\(point.name)=kill@\(passage)")
        }
    }

    @Test("workers find the tasks of a producer that died before it published", arguments: crashSeeds)
    func producerNeverReturns(seed: Int) throws {
        try CrashWorld.with { world in
            try runDoomedProducer(in: world, "producer.before-publish=kill")
            try world.heal()
            try world.expectWhole()
        }
    }

    @Test("two producers at once enqueue one job", arguments: crashSeeds)
    func twoProducers(seed: Int) throws {
        try CrashWorld.with { world in
            let both = try (0..<2).map { _ in try world.commands.start("producer", world.enqueueArguments) }
            for producer in both {
                let result = try producer.wait()
                #expect(result.status == 0, "\(result.errors)")
            }
            try world.heal()
            try world.expectWhole()
        }
    }

    private func runDoomedProducer(in world: CrashWorld, _ failpoints: String) throws {
        let result = try world.commands.run("producer", world.enqueueArguments, failpoints: failpoints)
        #expect(result.status == 128 + SIGKILL, "the producer survived \(failpoints): \(result.errors)")
    }
}
