// A small job in a catalogue and its own object directory, and the question whether all of it arrived.

import Fixtures
import Foundation
import Testing

/// One scenario's world. Every world holds the same job, so every world must end with the same archives, byte for byte.
final class CrashWorld: Sendable {
    static let taskCount = 24
    static let shardSize = 8
    static let hintSize = 4
    static let shardCount = taskCount / shardSize

    let world: TestWorld
    let annotations: String
    var commands: Commands { world.commands }
    var store: String { world.store }

    /// Makes an empty catalogue, an empty store, and the annotation file.
    init() throws {
        world = try TestWorld("crash")
        annotations = world.folder + "/example.json"
        try commands.succeed("producer", ["example", "--out", annotations, "--seed", "0"])
    }

    /// Removes the schema and the files.
    func remove() throws { try world.remove() }

    /// Runs `body` in its own world, which is removed when everything in it held.
    static func with(_ body: (CrashWorld) throws -> Void) throws {
        let world = try CrashWorld()
        try body(world)
        try world.remove()
    }

    // MARK: Commands

    var enqueueArguments: [String] {
        [
            "enqueue", "--job", "crash", "--annotations", annotations, "--strategy", "hard", "--limit",
            String(Self.taskCount), "--shard-size", String(Self.shardSize), "--hint-size", String(Self.hintSize),
            "--size", "64x48",
        ]
    }

    /// A worker with short times, so that healing takes seconds.
    static let workerArguments = [
        "run", "--batch", "4", "--lease", "1.5", "--hint-horizon", "0.5", "--retry-delay", "0.05", "--exit-when-idle",
        "0.7", "--log-level", "info",
    ]

    func enqueue() throws { try commands.succeed("producer", enqueueArguments) }

    /// A worker that must meet its end at a failpoint.
    func runDoomedWorker(_ failpoints: String) throws {
        let result = try commands.run("worker", Self.workerArguments, failpoints: failpoints)
        #expect(result.status == 128 + SIGKILL, "the worker survived \(failpoints): \(result.errors.suffix(1500))")
    }

    /// A worker without failpoints, until nothing is left to do.
    func heal() throws {
        let result = try commands.run("worker", Self.workerArguments)
        #expect(result.status == 0, "the healing worker failed: \(result.errors.suffix(1500))")
    }

    // MARK: Judgement

    /// Every task done, none dead, every shard finished, the audit equation holds, and the archives are those of a run
    /// without any crash.
    func expectWhole(_ comment: Comment? = nil) throws {
        let job = try #require(try records("jobs").first, comment)
        #expect(job["tasks"] as? Int == Self.taskCount, comment)
        #expect(job["done"] as? Int == Self.taskCount, comment)
        #expect(job["dead"] as? Int == 0, comment)
        #expect(job["state"] as? String == "finished", comment)
        #expect(try digests() == CrashReference.digests.get(), comment)
        let audit = try commands.run("catalogue", ["audit"])
        #expect(audit.status == 0, "\(audit.output) \(audit.errors)")
    }

    /// The SHA-256 of the finished archives, in order.
    func digests() throws -> [String] {
        try records("shards").compactMap { $0["sha256"] as? String }
    }

    func records(_ query: String, _ arguments: [String] = []) throws -> [[String: Any]] {
        try world.records(query, arguments)
    }
}

/// The archives of the same job without any crash.
enum CrashReference {
    static let digests = Result<[String], any Error> {
        var digests: [String] = []
        try CrashWorld.with { world in
            try world.enqueue()
            try world.heal()
            digests = try world.digests()
        }
        guard digests.count == CrashWorld.shardCount else {
            throw ProcessFailure("the run without crashes finished \(digests.count) shards")
        }
        return digests
    }
}

/// The seeds of the matrix: DETDIFFUSION_CRASH_SEEDS of them, 3 if it is not set.
let crashSeeds = Array(0..<(Surroundings.variable("DETDIFFUSION_CRASH_SEEDS").flatMap { Int($0) } ?? 3))

/// A number from `range` that depends on the seed and the name alone.
func pick(_ range: ClosedRange<Int>, seed: Int, _ name: String) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in "\(name) \(seed)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return range.lowerBound + Int((hash >> 33) % UInt64(range.count))
}
