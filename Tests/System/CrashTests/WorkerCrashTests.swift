// Workers and packers that die, freeze or find no room at every point where it could matter.

import Fixtures
import Foundation
import Testing

/// A failpoint and how often a run of the job passes it.
struct CrashPoint: Sendable, CustomTestStringConvertible {
    var name: String
    var passages: ClosedRange<Int>
    var testDescription: String { name }

    init(_ name: String, _ passages: ClosedRange<Int>) {
        self.name = name
        self.passages = passages
    }

    static let ofWorkers = [
        CrashPoint("worker.before-claim", 1...5),
        CrashPoint("worker.after-claim", 1...5),
        CrashPoint("worker.before-acknowledge", 1...5),
        CrashPoint("worker.after-acknowledge", 1...5),
        CrashPoint("store.after-write", 1...20),
        CrashPoint("store.after-rename", 1...20),
        CrashPoint("worker.after-store", 1...5),
        CrashPoint("worker.before-finish", 1...8),
        CrashPoint("postgres.before-commit.finish", 1...8),
        CrashPoint("postgres.after-commit.finish", 1...8),
        CrashPoint("worker.after-finish", 1...8),
        CrashPoint("pack.mid-tar", 1...3),
        CrashPoint("store.before-commit", 1...3),
        CrashPoint("store.after-commit", 1...3),
        CrashPoint("pack.after-rename", 1...3),
    ]
}

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct WorkerCrashTests {
    @Test("a worker killed at any point loses nothing and doubles nothing", arguments: CrashPoint.ofWorkers, crashSeeds)
    func workerKilled(at point: CrashPoint, seed: Int) throws {
        try CrashWorld.with { world in
            try world.enqueue()
            let passage = pick(point.passages, seed: seed, point.name)
            try world.runDoomedWorker("\(point.name)=kill@\(passage)")
            try world.heal()
            try world.expectWhole("\(point.name)=kill@\(passage)")
        }
    }

    @Test("a worker frozen past its lease is fenced off when it thaws", arguments: crashSeeds)
    func zombie(seed: Int) throws {
        try CrashWorld.with { world in
            try world.enqueue()
            let passage = pick(1...4, seed: seed, "zombie")
            let zombie = try world.commands.start(
                "worker", CrashWorld.workerArguments, failpoints: "worker.before-finish=stop@\(passage)")
            try waitUntilStopped(zombie)
            try world.heal()
            try world.expectWhole("before the thaw")
            zombie.send(SIGCONT)
            let result = try zombie.wait()
            #expect(result.status == 0, "\(result.errors.suffix(1500))")
            try world.expectWhole("after the thaw")
        }
    }

    @Test("a layout that kills every worker dies alone", arguments: crashSeeds)
    func poison(seed: Int) throws {
        try CrashWorld.with { world in
            try world.enqueue()
            // The batch that dies twice is claimed one task at a time afterwards; its neighbours then succeed.
            for _ in 0..<2 { try world.runDoomedWorker("worker.after-store=kill@1") }
            try world.heal()
            try world.expectWhole()
        }
    }

    @Test("a full disc pauses the work and costs no attempt", arguments: crashSeeds)
    func fullDisc(seed: Int) throws {
        try CrashWorld.with { world in
            try world.enqueue()
            let passage = pick(1...5, seed: seed, "full")
            let result = try world.commands.run(
                "worker", CrashWorld.workerArguments, failpoints: "store.full=error@\(passage)")
            #expect(result.status == 0)
            #expect(result.errors.contains("Work pauses"))
            try world.expectWhole()
            #expect(try world.records("tasks").allSatisfy { $0["attempt"] as? Int == 0 })
        }
    }

    @Test("a drain gives back what it cannot finish, at once claimable")
    func drain() throws {
        try CrashWorld.with { world in
            try world.enqueue()
            let worker = try world.commands.start("worker", CrashWorld.workerArguments)
            try worker.waitFor("Batch recorded")
            worker.send(SIGTERM)
            #expect(try worker.wait().status == 0)
            #expect(try world.records("workers").first?["state"] as? String == "stopped")
            #expect(try world.records("tasks", ["--state", "leased"]).isEmpty)
            try world.heal()
            try world.expectWhole()
            #expect(try world.records("tasks").allSatisfy { $0["deaths"] as? Int == 0 })
        }
    }
}
