// The main job on real input: a COCO subset in, finished shards out, through a worker's death, to the readers.

import Fixtures
import Foundation
import Testing

@Suite(
    .serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)),
    .enabled(if: Surroundings.coco != nil, Comment(rawValue: Surroundings.cocoMissing)))
struct MainJobTests {
    @Test func theRealSubsetIsFinishedThoughAWorkerDiesMidway() throws {
        try TestWorld.with("main") { world in
            let annotations = try #require(Surroundings.coco) + "/instances_val2017_subset.json"
            let enqueued = try world.commands.succeed(
                "producer",
                [
                    "enqueue", "--job", "main", "--annotations", annotations, "--strategy", "hard", "--shard-size",
                    "16",
                    // A specification of this run: hints that other tests left behind must not cut its batches.
                    "--seed", "\(UInt64.random(in: 0..<1 << 53))",
                ])
            #expect(enqueued.contains("86 tasks, 86 new in 6 shards, 6 hints published"))
            try workThroughADeath(in: world)
            let job = try #require(try world.records("jobs").first)
            #expect(job["state"] as? String == "finished" && job["done"] as? Int == 86 && job["dead"] as? Int == 0)
            #expect(job["finishedShards"] as? Int == 6 && job["shards"] as? Int == 6)
            let outputs = try world.records("outputs").map { "\($0["image"] ?? "")-\($0["example"] ?? "")" }
            #expect(outputs.count == 86 && Set(outputs).count == 86)
            let audit = try world.commands.run("catalogue", ["audit"])
            #expect(audit.status == 0 && audit.output.contains("lost 0, doubled 0"), "\(audit.output) \(audit.errors)")
            #expect(try world.commands.run("catalogue", ["verify", "--job", "main"]).status == 0)
            try readExports(of: world)
        }
    }

    /// Two workers with different batches; the first is killed with SIGKILL before it records its sixth batch of four. It has
    /// recorded 20 images then.
    private func workThroughADeath(in world: TestWorld) throws {
        let doomed = try world.commands.start(
            "worker", TestWorld.worker + ["--batch", "4", "--no-pack", "--name", "doomed"],
            failpoints: "worker.before-finish=stop@6")
        try world.wait(for: "the doomed worker's sixth batch") { try doomed.isStopped }
        let recorded = try #require(Int(try world.sql("SELECT count(*) FROM outputs")[0]))
        #expect(recorded == 20)
        let other = try world.commands.start("worker", TestWorld.worker + ["--batch", "7", "--name", "other"])
        try world.wait(for: "an image of the other worker") {
            try world.sql("SELECT count(*) > \(recorded) FROM outputs") == ["t"]
        }
        doomed.send(SIGKILL)
        #expect(try doomed.wait().status == 128 + SIGKILL)
        let result = try other.wait()
        #expect(result.status == 0, "\(result.errors.suffix(2000))")
        let byWorker = try world.sql(
            "SELECT w.name, count(*) FROM outputs o JOIN workers w ON w.id = o.worker_id GROUP BY w.name ORDER BY 1")
        #expect(byWorker == ["doomed|\(recorded)", "other|\(86 - recorded)"])
    }

    private struct CocoReport: Decodable {
        var images, generated, annotations: Int
        var averagePrecision: Double
        var objects: [[Int]]
    }

    private struct ShardReport: Decodable {
        var keys: [String]
        enum CodingKeys: CodingKey { case samples }

        init(from decoder: any Decoder) throws {
            var samples = try decoder.container(keyedBy: CodingKeys.self).nestedUnkeyedContainer(forKey: .samples)
            keys = []
            while !samples.isAtEnd {
                var sample = try samples.nestedUnkeyedContainer()
                keys.append(try sample.decode(String.self))
            }
        }
    }

    private func readExports(of world: TestWorld) throws {
        guard Readers.python != nil else {
            withKnownIssue("\(Readers.missing)") { Issue.record("exports were not read") }
            return
        }
        let coco = world.folder + "/coco"
        try world.commands.succeed("catalogue", ["export", "coco", "--job", "main", "--out", coco])
        let report: CocoReport = try Readers.run("coco.py", coco)
        #expect(report.images == 86 && report.generated == 86 && report.annotations == 386)
        #expect(report.averagePrecision == 1)
        #expect(Set(report.objects.map { $0[1] }).count == 386)
        let url = try world.commands.succeed(
            "catalogue", ["export", "webdataset", "--job", "main", "--out", world.folder + "/shards"])
        let shards: ShardReport = try Readers.run("shards.py", url.trimmingCharacters(in: .whitespacesAndNewlines))
        let images = Set(report.objects.map { $0[0] })
        #expect(shards.keys.count == 86 && Set(shards.keys.compactMap { Int($0.prefix(12)) }) == images)
    }
}
