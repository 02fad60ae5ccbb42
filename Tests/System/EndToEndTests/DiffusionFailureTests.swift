// What a worker does with a diffusion job when it must leave, and when its numbers go wrong.

import Fixtures
import Foundation
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct DiffusionFailureTests {
    private func enqueue(_ world: TestWorld, _ checkpoint: TinyCheckpoint, steps: Int) throws {
        let annotations = world.folder + "/example.json"
        try world.commands.succeed("producer", ["example", "--out", annotations, "--images", "60"])
        try world.commands.succeed(
            "producer",
            [
                "enqueue", "--job", "images", "--annotations", annotations, "--generator", "diffusion", "--checkpoint",
                checkpoint.folder, "--shard-size", "8", "--hint-size", "4", "--strategy", "hard", "--subset", "all",
                "--limit", "4", "--size", "64x40", "--steps", "\(steps)", "--skip-unfit",
                // A specification of this run: hints that other tests left behind must not reach its worker.
                "--seed", "\(UInt64.random(in: 0..<1 << 53))",
            ])
    }

    /// The worker is stopped in the middle of its first step; the signal waits for it there.
    @Test func aDrainWithoutGraceGivesTheBatchBackWithinAStep() throws {
        try TestWorld.with("drain") { world in
            try enqueue(world, .sd1, steps: 999)
            let worker = try world.commands.start(
                "worker",
                [
                    "run", "--checkpoint", TinyCheckpoint.sd1.folder, "--batch", "4", "--threads", "1", "--grace", "0",
                    "--hint-horizon", "1", "--no-pack",
                ], failpoints: "diffusion.layer=stop@20")
            try world.wait(for: "the middle of a step", limit: .seconds(180)) { try worker.isStopped }
            #expect(try world.sql("SELECT count(*) FROM tasks WHERE state = 'leased'") != ["0"])
            worker.send(SIGTERM)
            worker.send(SIGCONT)
            let result = try worker.wait(limit: .seconds(60))
            #expect(result.status == 0, "\(result.errors.suffix(2000))")
            #expect(!result.errors.contains("leases run out by themselves"), "\(result.errors.suffix(2000))")
            #expect(
                try world.sql("SELECT state, sum(attempt), sum(deaths), count(*) FROM tasks GROUP BY state") == [
                    "open|0|0|4"
                ])
            #expect(try world.records("workers").map { $0["state"] as? String } == ["stopped"])
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)
        }
    }

    /// The worker is stopped in the middle of a step, with weights in memory that its next layers have still to read.
    @Test(arguments: [
        ("cut short", 65, "found 5000"), ("written to", 65, "expected SHA-256"), ("removed", 66, "removed"),
    ])
    func weightsThatChangeUnderAWorkerEndItWithoutAnImage(change: String, status: Int32, says: String) throws {
        try TestWorld.with("changed") { world in
            let checkpoint = try TinyCheckpoint.sd1.copy(to: world.folder + "/checkpoint")
            let path = "\(checkpoint.folder)/\(TinyCheckpoint.unetFile)"
            try enqueue(world, checkpoint, steps: 3)
            let worker = try world.commands.start(
                "worker",
                [
                    "run", "--checkpoint", checkpoint.folder, "--batch", "4", "--threads", "1", "--hint-horizon", "1",
                    "--no-pack",
                ], failpoints: "diffusion.layer=stop@20")
            try world.wait(for: "the middle of a step", limit: .seconds(180)) { try worker.isStopped }
            let file = try #require(FileHandle(forUpdatingAtPath: path))
            switch change {
            case "cut short": try file.truncate(atOffset: 5000)
            case "written to":
                try file.write(
                    contentsOf: checkpoint.contents(of: TinyCheckpoint.unetFile).prefix(4096)
                        + Data(repeating: 7, count: 4096))
            default: try checkpoint.remove(TinyCheckpoint.unetFile)
            }
            worker.send(SIGCONT)
            let result = try worker.wait(limit: .seconds(60))
            #expect(result.status == status, "\(result.errors.suffix(2000))")
            let last = result.errors.split(separator: "\n").last ?? ""
            #expect(last.hasPrefix("detdiffusion-worker: \(path): ") && last.contains(says), "\(last)")
            #expect(
                try world.sql("SELECT state, sum(attempt), sum(deaths), count(*) FROM tasks GROUP BY state") == [
                    "open|0|0|4"
                ])
            #expect(try world.sql("SELECT count(*) FROM outputs") == ["0"])
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)
        }
    }

    @Test func anInfiniteWeightLeavesDeadTasksWithTheirReason() throws {
        try TestWorld.with("infinite") { world in
            let checkpoint = try TinyCheckpoint.sd1.copy(to: world.folder + "/checkpoint")
            var bytes = try checkpoint.contents(of: TinyCheckpoint.unetFile)
            // Infinity, little-endian float32, as the last number of the last tensor.
            bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: [0, 0, 0x80, 0x7F])
            try checkpoint.write(bytes, to: TinyCheckpoint.unetFile)
            try enqueue(world, checkpoint, steps: 3)
            let result = try world.commands.run(
                "worker", TestWorld.worker + ["--checkpoint", checkpoint.folder, "--threads", "1"])
            #expect(result.status == 0, "\(result.errors.suffix(2000))")
            let dead = try world.records("tasks", ["--state", "dead"])
            #expect(dead.count == 4)
            for task in dead {
                let reason = task["reason"] as? String ?? ""
                #expect(reason.contains("latents became infinite or not a number in step 1 of 3"), "\(reason)")
            }
            #expect(try world.sql("SELECT count(*) FROM outputs") == ["0"])
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)
        }
    }
}
