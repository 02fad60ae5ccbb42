// Many workers under many faults at once: the long runs of ops/soak.

import Fixtures
import Foundation
import Testing

/// What `ops/soak` sets.
let isSoaking = Surroundings.hasServers && Surroundings.variable("DETDIFFUSION_SOAK") != nil
let soakMissing: Comment = "takes minutes: run it through ops/soak, which sets DETDIFFUSION_SOAK"

@Suite(.serialized, .enabled(if: isSoaking, soakMissing))
struct LoadTests {
    static let tasks = 5000

    @Test("eight workers finish 5,000 tasks through restarts, kills, a freeze and a wrong clock")
    func faultsUnderLoad() throws {
        let world = try SoakWorld(images: 8000)
        try world.enqueue(limit: Self.tasks, samples: 1, shardSize: 250)
        let begin = ContinuousClock.now
        var workers = try (0..<6).map { _ in try world.startWorker() }
        workers.append(try world.startWorker(clockAhead: 3600))
        try expectClock(of: workers[6], ahead: 3600)
        let frozen = try world.startWorker(failpoints: "worker.before-finish=stop@20")

        let faults: [(share: Double, inject: () throws -> Void)] = [
            (0.1, { try SoakWorld.restart("rabbitmq", by: "kill") }),
            (0.2, { workers[0].send(SIGKILL) }),
            (0.3, { try SoakWorld.restart("postgres", by: "kill") }),
            (0.4, { workers[1].send(SIGKILL) }),
            (0.5, { try SoakWorld.restart("rabbitmq", by: "stop") }),
            (0.6, { workers[2].send(SIGKILL) }),
            (0.7, { try SoakWorld.restart("postgres", by: "stop") }),
        ]
        for fault in faults {
            try world.waitUntilDone(Int(fault.share * Double(Self.tasks)))
            try fault.inject()
        }
        for worker in workers[3...] { #expect(try worker.wait(limit: .seconds(600)).status == 0) }
        print("eight workers, faults and all: \(Self.tasks) tasks in \(ContinuousClock.now - begin)")
        try world.expectWhole(tasks: Self.tasks)
        frozen.send(SIGCONT)
        let thawed = try frozen.wait(limit: .seconds(120))
        #expect(thawed.status == 0, "\(thawed.errors.suffix(1500))")
        #expect(thawed.errors.contains("tasks.fenced=16") || thawed.errors.contains("A lease was lost"))
        try world.expectWhole(tasks: Self.tasks)
        try world.remove()
    }

    /// Holds the time of a worker's first log line against this process's clock: a wrong clock that did not take effect
    /// would test nothing.
    private func expectClock(of worker: RunningProcess, ahead seconds: Double) throws {
        try worker.waitFor("Worker started")
        let now = Date.now
        let word = worker.errors.prefix { $0 != " " }
        let logged = try Date(String(word), strategy: .iso8601)
        let difference = logged.timeIntervalSince(now)
        try #require(
            abs(difference - seconds) < 120,
            "a worker's clock: expected \(seconds) s ahead, found \(difference) s (its first line is of \(word))")
    }
}
