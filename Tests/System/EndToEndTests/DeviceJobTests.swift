// A job on several devices of one host: libtorch's beside ours.

import Fixtures
import Foundation
import Testing

@Suite(
    .serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)),
    .enabled(
        if: Surroundings.variable("DETDIFFUSION_TORCH") != nil,
        "needs libtorch: set DETDIFFUSION_TORCH, as ops/test does"))
struct DeviceJobTests {
    private func enqueue(_ world: TestWorld, limit: Int) throws {
        let annotations = world.folder + "/example.json"
        try world.commands.succeed("producer", ["example", "--out", annotations, "--images", "60"])
        try world.commands.succeed(
            "producer",
            [
                "enqueue", "--job", "images", "--annotations", annotations, "--generator", "diffusion", "--checkpoint",
                TinyCheckpoint.sd1.folder, "--shard-size", "4", "--hint-size", "2", "--strategy", "hard", "--subset",
                "all",
                "--limit", "\(limit)", "--size", "64x40", "--steps", "3", "--skip-unfit",
                "--seed", "\(UInt64.random(in: 0..<1 << 53))",
            ])
    }

    @Test func oneCommandStartsAWorkerForEachDeviceAndEndsThem() throws {
        try TestWorld.with("devices") { world in
            try enqueue(world, limit: 12)
            let workers = try world.commands.start(
                "worker",
                [
                    "run", "--devices", "cpu,torch", "--checkpoint", TinyCheckpoint.sd1.folder, "--name", "host",
                    "--threads",
                    "1", "--batch", "2", "--memory", "2", "--hint-horizon", "0.5",
                ])
            try world.wait(for: "both workers", limit: .seconds(120)) {
                try world.sql("SELECT name FROM workers ORDER BY 1") == ["host cpu", "host torch"]
            }
            try world.wait(for: "the job", limit: .seconds(120)) {
                try world.sql("SELECT count(*) FROM shards WHERE state <> 'finished'") == ["0"]
            }
            workers.send(SIGTERM)
            let result = try workers.wait()
            #expect(result.status == 0, "\(result.errors.suffix(2000))")
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)
            let classes = try world.sql("SELECT device_class FROM workers ORDER BY name")
            #expect(classes[0].contains("-cpu-") && classes[1].contains("-torch-2."), "\(classes)")
            #expect(classes[1].hasSuffix("-cpu-float32"))
        }
    }

    /// One image is lost and made again: other bytes, from another batch, are no reason to refuse it.
    @Test func whatLibtorchMakesSaysSoAndIsNotHeldAgainstItsBytes() throws {
        try TestWorld.with("precision") { world in
            try enqueue(world, limit: 6)
            let profile = world.folder + "/profile.json"
            let keys: [String: Any] = [
                "checkpoints": [TinyCheckpoint.sd1.folder], "device": "torch", "precision": "bfloat16", "memory": 2,
            ]
            try JSONSerialization.data(withJSONObject: keys).write(to: URL(fileURLWithPath: profile))
            func work(_ batch: Int) throws {
                let result = try world.commands.run(
                    "worker",
                    [
                        "run", "--profile", profile, "--batch", "\(batch)", "--exit-when-idle", "1", "--hint-horizon",
                        "0.5",
                    ])
                #expect(result.status == 0, "\(result.errors.suffix(2000))")
            }
            try work(5)
            let classes = try world.sql("SELECT DISTINCT device_class FROM outputs")
            #expect(
                classes.count == 1 && classes[0].contains("-torch-2.") && classes[0].hasSuffix("-cpu-bfloat16"),
                "\(classes)")
            let shards = try FileManager.default.subpathsOfDirectory(atPath: world.store).filter {
                $0.hasSuffix(".tar")
            }
            #expect(!shards.isEmpty)
            try FileManager.default.removeItem(atPath: "\(world.store)/\(shards[0])")
            try world.commands.succeed("catalogue", ["reconcile", "--fix"])
            try work(1)
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)
            #expect(try world.sql("SELECT count(*) FROM shards WHERE state <> 'finished'") == ["0"])
        }
    }
}
