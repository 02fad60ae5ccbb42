// The main job with a diffusion model: a tiny random checkpoint, from prompts to finished shards.

import Digests
import Fixtures
import Foundation
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct DiffusionJobTests {
    /// A random checkpoint of a few thousand weights, written by diffusers (Tests/DiffusionTests/Golden/write_golden.py).
    private static let checkpoint = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "DiffusionTests/Golden/sd1").path

    private static let options = [
        "--strategy", "hard", "--subset", "all", "--limit", "24", "--size", "64x40", "--steps", "3",
    ]

    private func enqueue(_ world: TestWorld, _ more: [String]) throws -> ProcessResult {
        let annotations = world.folder + "/sample.json"
        try world.commands.succeed("producer", ["sample", "--out", annotations, "--images", "60"])
        return try world.commands.run(
            "producer",
            [
                "enqueue", "--job", "images", "--annotations", annotations, "--generator", "diffusion", "--checkpoint",
                Self.checkpoint, "--shard-size", "8", "--hint-size", "4", "--seed",
                "\(UInt64.random(in: 0..<1 << 53))",
            ] + Self.options + more)
    }

    @Test func twoWorkersOfDifferentBatchesFinishAJobWithTheBytesOfSingleImages() throws {
        try TestWorld.with("diffusion") { world in
            let refused = try enqueue(world, [])
            #expect(refused.status == 65)
            #expect(refused.errors.contains("whose prompts do not fit") && refused.errors.contains("--skip-unfit"))
            #expect(try world.records("jobs").isEmpty)
            let enqueued = try enqueue(world, ["--skip-unfit"])
            #expect(enqueued.status == 0, "\(enqueued.errors)")
            let workers = try [("3", "small"), ("5", "large")].map { batch, name in
                try world.commands.start(
                    "worker",
                    [
                        "run", "--exit-when-idle", "1", "--hint-horizon", "1", "--checkpoint", Self.checkpoint,
                        "--batch", batch, "--name", name, "--threads", "1",
                    ])
            }
            for worker in workers {
                let result = try worker.wait()
                #expect(result.status == 0, "\(result.errors.suffix(2000))")
            }
            let job = try #require(try world.records("jobs").first)
            let tasks = try #require(job["tasks"] as? Int)
            #expect(job["state"] as? String == "finished" && job["done"] as? Int == tasks && tasks > 8)
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)
            let names = try world.sql(
                "SELECT DISTINCT w.name FROM outputs o JOIN workers w ON w.id = o.worker_id ORDER BY 1")
            #expect(names == ["large", "small"])
            try compareWithSingleImages(in: world)
        }
    }

    /// What a worker made in a batch is byte for byte what `generate` makes alone.
    private func compareWithSingleImages(in world: TestWorld) throws {
        struct Payload: Decodable {
            var seed: UInt64
        }
        let rows = try world.sql(
            """
            SELECT encode(o.sha256, 'hex'), convert_from(p.payload, 'UTF8') FROM outputs o
            JOIN payloads p ON p.shard_id = o.shard_id AND p.number = o.number ORDER BY o.shard_id, o.number LIMIT 4
            """)
        #expect(rows.count == 4)
        for row in rows {
            let parts = row.split(separator: "|", maxSplits: 1).map(String.init)
            let object = try JSONSerialization.jsonObject(with: Data(parts[1].utf8)) as? [String: Any]
            let layout = try #require(object?["layout"])
            let seed = try JSONDecoder().decode(Payload.self, from: Data(parts[1].utf8)).seed
            let (file, image) = (world.folder + "/layout.json", world.folder + "/image.png")
            try JSONSerialization.data(withJSONObject: layout).write(to: URL(fileURLWithPath: file))
            try world.commands.succeed(
                "worker",
                [
                    "generate", "--checkpoint", Self.checkpoint, "--layout", file, "--image", image, "--steps", "3",
                    "--size", "64x40", "--seed", "\(seed)",
                ])
            #expect(try SHA256.digest(ofFileAt: image).hex == parts[0])
        }
    }

    @Test(arguments: [
        (["--template", "paper"], "--template: the checkpoint"), (["--bins", "256x256"], "--bins: the checkpoint"),
        (["--checkpoint-digest", String(repeating: "0", count: 64)], "--checkpoint-digest: generator diffusion"),
    ])
    func aFlagThatContradictsTheCheckpointIsRefused(flags: [String], says: String) throws {
        try TestWorld.with("diffusion") { world in
            let refused = try enqueue(world, flags + ["--skip-unfit"])
            #expect(refused.status == 64 && refused.errors.contains(says), "\(refused.errors)")
        }
    }
}
