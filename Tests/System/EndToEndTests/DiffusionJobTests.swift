// The main job with a diffusion model: a tiny random checkpoint, from prompts to finished shards and an export.

import Digests
import Fixtures
import Foundation
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct DiffusionJobTests {
    private static let checkpoint = TinyCheckpoint.sd1.folder

    private static let options = [
        "--strategy", "hard", "--subset", "all", "--limit", "24", "--size", "64x40", "--steps", "3",
    ]

    /// Runs `plan`, or `enqueue` with what it needs beside, on the sample's 60 images.
    private func produce(_ command: [String], in world: TestWorld, _ more: [String]) throws -> ProcessResult {
        let annotations = world.folder + "/example.json"
        try world.commands.succeed("producer", ["example", "--out", annotations, "--images", "60"])
        return try world.commands.run(
            "producer",
            command + [
                "--annotations", annotations, "--generator", "diffusion", "--checkpoint", Self.checkpoint,
                "--shard-size", "8", "--seed", "\(UInt64.random(in: 0..<1 << 53))",
            ] + Self.options + more)
    }

    private func enqueue(_ world: TestWorld, _ more: [String]) throws -> ProcessResult {
        try produce(["enqueue", "--job", "images", "--hint-size", "4"], in: world, more)
    }

    @Test func twoWorkersOfDifferentBatchesFinishAJobWithTheBytesOfSingleImages() throws {
        try TestWorld.with("diffusion") { world in
            let enqueued = try enqueue(world, ["--skip-unfit"])
            #expect(enqueued.status == 0, "\(enqueued.errors)")
            try refuseAnotherCheckpoint(in: world)
            try workTogether(in: world)
            let job = try #require(try world.records("jobs").first)
            let tasks = try #require(job["tasks"] as? Int)
            #expect(job["state"] as? String == "finished" && job["done"] as? Int == tasks && tasks > 12)
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)
            #expect(try world.commands.run("catalogue", ["verify", "--job", "images"]).status == 0)
            let export = world.folder + "/coco"
            try world.commands.succeed("catalogue", ["export", "coco", "--job", "images", "--out", export])
            #expect(try pictures(under: export) == tasks)
            try compareWithSingleImages(in: world)
        }
    }

    /// A worker with another checkpoint finds nothing to do in this job, and leaves.
    private func refuseAnotherCheckpoint(in world: TestWorld) throws {
        let stranger = try world.commands.run(
            "worker",
            [
                "run", "--exit-when-idle", "1", "--hint-horizon", "0.5", "--checkpoint", TinyCheckpoint.sd2.folder,
                "--threads", "1", "--name", "stranger",
            ])
        #expect(stranger.status == 0, "\(stranger.errors.suffix(2000))")
        #expect(try world.sql("SELECT DISTINCT state, epoch FROM tasks") == ["open|0"])
    }

    /// The first worker stands still after its first batch, with its second in its hands, until the other has made some
    /// images: both have a share, however fast they are. The other takes its checkpoint from a profile.
    private func workTogether(in world: TestWorld) throws {
        let options = ["run", "--exit-when-idle", "1", "--hint-horizon", "1"]
        let small = try world.commands.start(
            "worker",
            options + ["--checkpoint", Self.checkpoint, "--batch", "3", "--name", "small", "--threads", "1"],
            failpoints: "worker.before-finish=stop@2")
        try world.wait(for: "the small worker to stop", limit: .seconds(180)) { try small.isStopped }
        let before = try #require(try world.sql("SELECT count(*) FROM outputs").first)
        #expect(before == "3")
        let profile = world.folder + "/profile.json"
        let keys: [String: Any] = ["checkpoints": [Self.checkpoint], "threads": 1, "memory": 1, "batch": 5]
        try JSONSerialization.data(withJSONObject: keys).write(to: URL(fileURLWithPath: profile))
        let large = try world.commands.start("worker", options + ["--profile", profile, "--name", "large"])
        try world.wait(for: "images of the large worker", limit: .seconds(180)) {
            try world.sql("SELECT count(*) > \(before) FROM outputs") == ["t"]
        }
        small.send(SIGCONT)
        for worker in [small, large] {
            let result = try worker.wait()
            #expect(result.status == 0, "\(result.errors.suffix(2000))")
        }
        let names = try world.sql(
            "SELECT DISTINCT w.name FROM outputs o JOIN workers w ON w.id = o.worker_id ORDER BY 1")
        #expect(names == ["large", "small"])
    }

    private func pictures(under folder: String) throws -> Int {
        try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".png") }.count
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

    private struct Plan: Decodable {
        struct Statistics: Decodable {
            struct Drop: Decodable {
                var rule: String
                var count: Int
            }

            var images: Int
            var droppedImages: [Drop]
        }

        var statistics: Statistics
    }

    /// What does not fit is refused with its count, or left out and counted; nothing is recorded before.
    @Test func promptsThatDoNotFitAreCounted() throws {
        try TestWorld.with("diffusion") { world in
            let refused = try enqueue(world, [])
            #expect(refused.status == 65)
            #expect(refused.errors.contains("whose prompts do not fit") && refused.errors.contains("--skip-unfit"))
            #expect(try world.records("jobs").isEmpty)
            let found = try #require(refused.errors.firstMatch(of: /found (\d+) of (\d+) images/))
            let (unfit, all) = (try #require(Int(found.1)), try #require(Int(found.2)))
            #expect(unfit > 0 && unfit < all)
            let planned = try produce(["plan", "--json"], in: world, ["--skip-unfit"])
            #expect(planned.status == 0, "\(planned.errors)")
            let plan = try JSONDecoder().decode(Plan.self, from: Data(planned.output.utf8)).statistics
            #expect(plan.images == all - unfit)
            #expect(plan.droppedImages.filter { $0.rule == "prompt" }.map(\.count) == [unfit])
            let text = try produce(["plan"], in: world, ["--skip-unfit"]).output
            #expect(text.contains(/images +prompt +\d+/) && text.contains("\(unfit)\n"), "\(text)")
        }
    }

    @Test func theRecordedSpecificationHoldsTheDigestAndTheSampler() throws {
        try TestWorld.with("diffusion") { world in
            let enqueued = try enqueue(world, ["--skip-unfit", "--guidance", "2.5"])
            #expect(enqueued.status == 0, "\(enqueued.errors)")
            let json = try world.commands.succeed("worker", ["inspect", "--checkpoint", Self.checkpoint, "--json"])
            let report = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
            let digest = try #require(report?["checkpoint"] as? String)
            #expect(digest.count == 64)
            let row = try world.sql(
                """
                SELECT specification::json->>'checkpoint', specification::json->>'steps',
                    specification::json->>'guidance', specification::json->'bins'->>'columns', capability FROM jobs
                """)
            #expect(row == ["\(digest)|3|2.5|8|diffusion.\(digest.prefix(12))"])
        }
    }

    @Test(arguments: [
        (["--template", "paper"], "--template: the checkpoint"), (["--bins", "256x256"], "--bins: the checkpoint"),
        (["--checkpoint-digest", String(repeating: "0", count: 64)], "--checkpoint-digest: generator diffusion"),
        (["--steps", "1000"], "--steps: expected 1 to 999"), (["--steps", "0"], "--steps: expected 1 to 999"),
        (["--size", "68x40"], "--size: expected multiples of 8"),
    ])
    func aFlagThatContradictsTheCheckpointIsRefused(flags: [String], says: String) throws {
        try TestWorld.with("diffusion") { world in
            let refused = try enqueue(world, flags + ["--skip-unfit"])
            #expect(refused.status == 64 && refused.errors.contains(says), "\(refused.errors)")
            #expect(try world.records("jobs").isEmpty)
        }
    }
}
