// Which enqueueings are the same job, and which are refused.

import Fixtures
import Foundation
import Testing

@Suite(
    .serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)),
    .enabled(if: Surroundings.coco != nil, Comment(rawValue: Surroundings.cocoMissing)))
struct IdentityTests {
    private func arguments(job: String = "same", _ more: [String] = []) -> [String] {
        let annotations = (Surroundings.coco ?? "") + "/instances_val2017_subset.json"
        return ["enqueue", "--job", job, "--annotations", annotations, "--strategy", "hard", "--shard-size", "16"]
            + more
    }

    @Test func theSameSpecificationTwiceIsTheSameJob() throws {
        try TestWorld.with("identity") { world in
            let first = try world.commands.succeed("producer", arguments())
            #expect(first.contains("job 'same' enqueued: 86 tasks, 86 new in 6 shards"))
            let second = try world.commands.succeed("producer", arguments(["--hint-size", "3", "--max-attempts", "2"]))
            #expect(second.contains("job 'same' already there: 86 tasks, 0 new in 0 shards, 0 hints published"))
            #expect(try world.sql("SELECT (SELECT count(*) FROM tasks), (SELECT count(*) FROM payloads)") == ["86|86"])
        }
    }

    @Test func aLargerLimitExtendsTheJobBeginningWithANewShard() throws {
        try TestWorld.with("identity") { world in
            try world.commands.succeed("producer", arguments(["--limit", "20"]))
            try world.commands.succeed("worker", TestWorld.worker)
            #expect(try world.records("jobs").first?["state"] as? String == "finished")
            let before = try world.records("shards").compactMap { $0["sha256"] as? String }
            let extended = try world.commands.succeed("producer", arguments(["--limit", "30"]))
            #expect(extended.contains("extended: 30 tasks, 10 new in 1 shards"))
            let rest = try world.commands.succeed("producer", arguments())
            #expect(rest.contains("extended: 86 tasks, 56 new in 4 shards"))
            let smaller = try world.commands.succeed("producer", arguments(["--limit", "5"]))
            #expect(smaller.contains("already there: 86 tasks, 0 new"))
            let sizes = try world.records("shards").compactMap { $0["tasks"] as? Int }
            #expect(sizes == [16, 4, 10, 16, 16, 16, 8])
            try world.commands.succeed("worker", TestWorld.worker)
            #expect(try world.records("jobs").first?["finishedShards"] as? Int == 7)
            let after = try world.records("shards").compactMap { $0["sha256"] as? String }
            #expect(after.count == 7 && Array(after.prefix(2)) == before)
            #expect(try world.sql("SELECT count(DISTINCT image_id) FROM payloads") == ["86"])
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)
        }
    }

    @Test func anotherSpecificationUnderTheNameIsRefusedNamingTheFields() throws {
        try TestWorld.with("identity") { world in
            try world.commands.succeed("producer", arguments(["--limit", "2"]))
            let result = try world.commands.run(
                "producer", arguments(["--limit", "2", "--seed", "5", "--size", "256x256"]))
            #expect(result.status == 78)
            #expect(result.errors.contains("(height: 456 -> 256; seed: 0 -> 5; width: 800 -> 256)"), "\(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1)
        }
    }

    @Test func theSameSpecificationUnderAnotherNameIsRefusedNamingTheJob() throws {
        try TestWorld.with("identity") { world in
            try world.commands.succeed("producer", arguments(["--limit", "2"]))
            let result = try world.commands.run("producer", arguments(job: "other", ["--limit", "50"]))
            #expect(result.status == 78)
            #expect(result.errors.contains("runs as job 'same'; use --job same"), "\(result.errors)")
            #expect(try world.records("jobs").count == 1)
        }
    }

    @Test func planAndDryRunTellTheSameAndAskNoServer() throws {
        let nobody = Commands(environment: ["AMQP_URL": "", "DATABASE_URL": ""])
        let plan = try nobody.succeed("producer", ["plan"] + arguments(["--json"]).dropFirst(3))
        let dryRun = try nobody.succeed("producer", arguments(["--json", "--dry-run"]))
        #expect(plan == dryRun)
        let report = try #require(try JSONSerialization.jsonObject(with: Data(plan.utf8)) as? [String: Any])
        #expect(report["images"] as? Int == 86 && report["objects"] as? Int == 386 && report["shards"] as? Int == 6)
    }
}
