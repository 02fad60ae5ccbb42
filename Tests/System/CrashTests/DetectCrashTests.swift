// Detecting through every crash: a detector of a few weights on drawn pictures. Nothing is lost, nothing is doubled.

import Fixtures
import Foundation
import Testing

@Suite(
    .serialized, .timeLimit(.minutes(10)),
    .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct DetectCrashTests {
    private static let images = 12
    private static let worker =
        [
            "run", "--batch", "2", "--lease", "1.5", "--hint-horizon", "0.5", "--retry-delay", "0.05",
            "--exit-when-idle", "0.7", "--no-pack",
        ]

    @Test(
        "the producer killed at any point and run again publishes what is missing", arguments: ToyCrashTests.points,
        crashSeeds)
    func producerKilled(at point: CrashPoint, seed: Int) throws {
        try TestWorld.with("detect") { world in
            let set = try DrawnSet(in: world.folder, images: Self.images)
            let passage = pick(point.passages, seed: seed, "detect " + point.name)
            let killed = try world.commands.run(
                "producer", Self.enqueue(set), failpoints: "\(point.name)=kill@\(passage)")
            #expect(killed.status == 128 + SIGKILL, "it survived: \(killed.errors.suffix(1500))")
            try world.commands.succeed("producer", Self.enqueue(set))
            try world.commands.succeed("worker", Self.detecting(set))
            try expectWhole(world, set)
        }
    }

    @Test(
        "the worker killed at any point loses nothing and doubles nothing", arguments: ToyCrashTests.pointsOfWorkers,
        crashSeeds)
    func workerKilled(at point: CrashPoint, seed: Int) throws {
        try TestWorld.with("detect") { world in
            let set = try DrawnSet(in: world.folder, images: Self.images)
            try world.commands.succeed("producer", Self.enqueue(set))
            let passage = pick(point.passages, seed: seed, "detect " + point.name)
            let killed = try world.commands.run(
                "worker", Self.detecting(set), failpoints: "\(point.name)=kill@\(passage)")
            #expect(killed.status == 128 + SIGKILL, "it survived: \(killed.errors.suffix(1500))")
            try world.commands.succeed("worker", Self.detecting(set))
            try expectWhole(world, set)
        }
    }

    @Test("the worker frozen past its lease is fenced off when it thaws")
    func zombie() throws {
        try TestWorld.with("detect") { world in
            let set = try DrawnSet(in: world.folder, images: Self.images)
            try world.commands.succeed("producer", Self.enqueue(set))
            let zombie = try world.commands.start(
                "worker", Self.detecting(set), failpoints: "worker.before-finish=stop@2")
            try waitUntilStopped(zombie)
            try world.commands.succeed("worker", Self.detecting(set))
            try expectWhole(world, set)
            zombie.send(SIGCONT)
            let result = try zombie.wait()
            #expect(result.status == 0, "\(result.errors.suffix(1500))")
            try expectWhole(world, set)
        }
    }

    @Test("a result that was damaged is found, and made again with the same hash")
    func damaged() throws {
        try TestWorld.with("detect") { world in
            let set = try DrawnSet(in: world.folder, images: Self.images)
            try world.commands.succeed("producer", Self.enqueue(set))
            try world.commands.succeed("worker", Self.detecting(set))
            let before = try world.sql("SELECT sha256 FROM results ORDER BY shard_id, number")
            try world.sql("UPDATE results SET content = '{}' WHERE number = 1")
            let audit = try world.commands.run("catalogue", ["audit"])
            #expect(audit.status == 1 && audit.output.contains("result: expected bytes with SHA-256"))
            try world.commands.succeed("catalogue", ["reconcile", "--fix"])
            try world.commands.succeed("worker", Self.detecting(set))
            try expectWhole(world, set)
            #expect(try world.sql("SELECT sha256 FROM results ORDER BY shard_id, number") == before)
        }
    }

    private static func enqueue(_ set: DrawnSet) -> [String] {
        [
            "attributes", "--job", "detect", "--annotations", set.annotations, "--subset", "all", "--size", "96x72",
            "--shard-size", "4", "--hint-size", "2",
        ] + set.detector
    }

    private static func detecting(_ set: DrawnSet) -> [String] { worker + ["--images", set.pictures] + set.detector }

    /// Every image has one result with the boxes that the detector finds without a crash, and the audit equation holds.
    private func expectWhole(_ world: TestWorld, _ set: DrawnSet) throws {
        let found = try world.sql(
            """
            SELECT json_array_length(convert_from(r.content, 'UTF8')::json -> 'detections')
            FROM results r JOIN payloads p USING (shard_id, number) WHERE r.lost_at IS NULL ORDER BY p.image_id
            """)
        #expect(found == (1...Self.images).map { image in "\(set.found.count { $0.image == image })" })
        #expect(try world.sql("SELECT count(*) FROM results") == ["\(Self.images)"])
        #expect(
            try world.sql("SELECT kind, state, count(*) FROM tasks GROUP BY 1, 2") == ["detect|done|\(Self.images)"])
        #expect(try world.sql("SELECT state, sum(done) FROM shards GROUP BY 1") == ["finished|\(Self.images)"])
        let audit = try world.commands.run("catalogue", ["audit"])
        #expect(audit.status == 0, "\(audit.output) \(audit.errors)")
    }
}
