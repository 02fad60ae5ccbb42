// A job behind a quality gate: real commands, a real detector, and its findings asked for a second time.

import Fixtures
import Foundation
import Testing

@Suite(
    .serialized, .timeLimit(.minutes(3)),
    .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct GateJobTests {
    private static let minScore = 0.02
    private static let minIoU = 0.5
    private static let rules =
        #"{"min_score":0.02,"min_iou":0.5,"same_class":true,"min_recall":1,"retries":2,"otherwise":"drop"}"#

    private static func enqueue(_ world: TestWorld, _ set: DrawnSet, rules: String) throws -> [String] {
        let path = world.folder + "/gate.json"
        try rules.write(toFile: path, atomically: true, encoding: .utf8)
        return [
            "enqueue", "--job", "gated", "--annotations", set.annotations, "--subset", "all", "--strategy", "easy",
            "--generator", "sketch", "--size", "96x72", "--shard-size", "4", "--gate", path,
        ] + set.detector
    }

    @Test func imagesAreJudgedAndExportsFilterThem() throws {
        try TestWorld.with("gate") { world in
            let set = try DrawnSet(in: world.folder, images: 8)
            try world.commands.succeed("producer", try Self.enqueue(world, set, rules: Self.rules))
            // A worker without the detector has nothing to do here.
            try world.commands.succeed("worker", TestWorld.worker + ["--generator", "sketch"])
            #expect(try world.sql("SELECT count(*) FROM outputs") == ["0"])
            try world.commands.succeed("worker", TestWorld.worker + ["--generator", "sketch"] + set.detector)
            #expect(try world.records("jobs").first?["state"] as? String == "finished")
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)

            let judgements = try world.judgements(of: "gated")
            #expect(judgements.count == 8)
            try Self.expectTheDetectorsWord(judgements, world, set)
            let passed = judgements.count { $0.passed }
            // Both occur, or nothing below says much.
            #expect((1...7).contains(passed))
            #expect(judgements.allSatisfy { $0.passed == ($0.recall >= 1) && (0...2).contains($0.retry) })

            for (thresholds, kept) in [
                ([], passed), (["--min-recall", "0"], 8),
                (["--min-recall", "0.5"], judgements.count { $0.recall >= 0.5 }),
                (["--min-score", "1"], 0),
            ] {
                let out = world.folder + "/set"
                let told = try world.commands.run(
                    "catalogue", ["export", "coco", "--job", "gated", "--out", out] + thresholds)
                #expect(told.status == 0 && told.output.contains("\(kept) images"), "\(told.errors)")
                #expect(
                    kept == 8 || told.errors.contains("\(8 - kept) images did not pass the gate"), "\(told.errors)")
                let tars = try world.commands.run(
                    "catalogue",
                    ["export", "webdataset", "--job", "gated", "--out", world.folder + "/tars"] + thresholds)
                #expect(tars.status == 0 && tars.errors.contains("\(kept) images in 2 shards"), "\(tars.errors)")
            }
            let report = try world.commands.succeed("catalogue", ["gate", "--job", "gated", "--json"])
            #expect(report.contains("\"images\":8") && report.contains("\"passed\":\(passed)"), "\(report)")
        }
    }

    @Test func theGateIsPartOfTheJob() throws {
        try TestWorld.with("gate") { world in
            let set = try DrawnSet(in: world.folder, images: 2)
            try world.commands.succeed("producer", try Self.enqueue(world, set, rules: Self.rules))
            let other = try world.commands.run(
                "producer",
                try Self.enqueue(
                    world, set, rules: Self.rules.replacing("\"min_recall\":1", with: "\"min_recall\":0.6")))
            #expect(other.status == 78 && other.errors.contains("gate: "), "\(other.errors)")
            // Written differently, they are the same.
            let same = Self.rules.replacing(",", with: " , ")
            #expect(
                try world.commands.succeed("producer", try Self.enqueue(world, set, rules: same)).contains(
                    "already there"))
            for (arguments, says) in [
                (["--gate", world.folder + "/gate.json"], "--gate: expected --detector NAME beside it"),
                (set.detector, "--detector: it looks at generated images for a gate"),
            ] {
                let refused = try world.commands.run(
                    "producer",
                    ["plan", "--annotations", set.annotations, "--subset", "all", "--strategy", "easy"] + arguments)
                #expect(refused.status == 64 && refused.errors.contains(says), "\(refused.errors)")
            }
            let hard = try world.commands.succeed(
                "producer",
                [
                    "plan", "--annotations", set.annotations, "--subset", "all", "--strategy", "hard", "--gate",
                    world.folder + "/gate.json",
                ] + set.detector)
            #expect(
                hard.contains("no object is meant to be easy") && hard.contains("provision --generator sketch.gate-"))
            let alone = try world.commands.run("worker", TestWorld.worker + set.detector)
            #expect(alone.status == 64 && alone.errors.contains("expected --images DIR beside it"), "\(alone.errors)")
            let without = try world.commands.run("catalogue", ["gate", "--job", "nowhere"])
            #expect(without.status != 0 && !without.errors.isEmpty)
        }
    }

    /// Exports every image, asks the detector again by itself, and judges with equation 2 written down once more.
    private static func expectTheDetectorsWord(
        _ judgements: [RecordedJudgement], _ world: TestWorld, _ set: DrawnSet
    ) throws {
        let out = world.folder + "/all"
        try world.commands.succeed(
            "catalogue", ["export", "coco", "--job", "gated", "--out", out, "--min-recall", "0"])
        let found = world.folder + "/again.json"
        try world.commands.succeed(
            "worker",
            ["detect", "--images", out + "/images", "--annotations", out + "/annotations.json", "--out", found]
                + set.detector)
        struct Exported: Decodable {
            struct Image: Decodable { var id: Int, source_image_id: Int, seed: UInt64 }
            struct Object: Decodable { var image_id: Int, category_id: Int, bbox: [Double] }
            var images: [Image], annotations: [Object]
        }
        let exported = try JSONDecoder().decode(
            Exported.self, from: Data(contentsOf: URL(fileURLWithPath: out + "/annotations.json")))
        let boxes = try DrawnSet.read(found)
        #expect(exported.images.map(\.seed) == judgements.map(\.seed))
        for (image, judgement) in zip(exported.images, judgements) {
            let objects = exported.annotations.filter { $0.image_id == image.id }
            #expect(objects.count == judgement.objects.count)
            var hits = 0
            for (object, recorded) in zip(objects, judgement.objects) {
                let overlaps = boxes.filter { $0.image == image.id && $0.category == object.category_id }.map {
                    (DrawnSet.overlap($0.box, object.bbox), $0.score)
                }
                let enough = overlaps.filter { $0.0 > minIoU }
                let best = enough.isEmpty ? overlaps.max { $0.0 < $1.0 } : enough.max { $0.1 < $1.1 }
                if let best, best.0 > 0 {
                    #expect(abs((recorded?.score ?? -1) - best.1) < 1e-3 && abs((recorded?.iou ?? -1) - best.0) < 0.02)
                } else {
                    #expect(recorded == nil)
                }
                hits += enough.contains { $0.1 >= minScore } ? 1 : 0
            }
            #expect(abs(judgement.recall - Double(hits) / Double(objects.count)) < 1e-9)
        }
    }
}

/// A row of `outputs.judgement`, read with nothing of the project's own.
struct RecordedJudgement: Decodable {
    struct Best: Decodable { var score: Double, iou: Double }
    var objects: [Best?]
    var passed: Bool
    var recall: Double
    var retry: Int
    var seed: UInt64
}

extension TestWorld {
    /// What the gate found, in the order of the tasks.
    func judgements(of job: String) throws -> [RecordedJudgement] {
        try sql(
            """
            SELECT o.judgement::text FROM outputs o JOIN shards s ON s.id = o.shard_id JOIN jobs j ON j.id = s.job_id
            WHERE j.name = '\(job)' ORDER BY s.number, o.number
            """
        ).map { try JSONDecoder().decode(RecordedJudgement.self, from: Data($0.utf8)) }
    }
}
