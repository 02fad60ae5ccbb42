// Sets that are not COCO, from plan to a merged export: each step is told only the annotation file.

import Fixtures
import Foundation
import Testing

/// What `Tests/Readers/coco.py` finds in an export, with pycocotools and Pillow.
private struct Report: Decodable {
    var images, generated, annotations, generatedAnnotations: Int
    var categories: [[Part]]
    var supercategories, files, realNames: [String]
    var objects: [[Int]]
    var averagePrecision: Double

    enum Part: Decodable, Equatable {
        case id(Int)
        case name(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            do { self = .id(try container.decode(Int.self)) } catch { self = .name(try container.decode(String.self)) }
        }
    }
}

@Suite(
    .serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)),
    .enabled(if: Readers.python != nil, Comment(rawValue: Readers.missing)))
struct ForeignSetTests {
    @Test(arguments: MadeSet.all)
    func everyStepTakesTheFileAsItIs(set: MadeSet) throws {
        try TestWorld.with("foreign") { world in
            let annotations = world.folder + "/annotations.json"
            try Data(set.text.utf8).write(to: URL(fileURLWithPath: annotations))
            try everyStep(annotations, in: world)
        }
    }

    private func everyStep(_ annotations: String, in world: TestWorld) throws {
        let judge = try JSONDecoder().decode(
            JudgedSet.self, from: Data(contentsOf: URL(fileURLWithPath: annotations)))
        let detections = world.folder + "/detections.json"
        try judge.detections().write(to: URL(fileURLWithPath: detections))
        let request = [
            "--annotations", annotations, "--subset", "all", "--strategy", "origin", "--detections", detections,
            "--same-class", "--size", "128x96",
        ]
        try checkPlan(request, judge, in: world)
        for (job, seed) in [("first", "1"), ("second", "2")] {
            try world.commands.succeed("producer", ["enqueue", "--job", job, "--seed", seed] + request)
        }
        try world.commands.succeed("worker", TestWorld.worker)
        try checkExport(judge, in: world)
        try checkMerges(annotations, judge, in: world)
        #expect(try world.commands.run("catalogue", ["audit"]).status == 0)
    }

    /// Of the wanted objects every other one was found, and all of them have a name.
    private func checkPlan(_ request: [String], _ judge: JudgedSet, in world: TestWorld) throws {
        struct Plan: Decodable {
            struct Statistics: Decodable {
                struct Drop: Decodable { var rule: String, count: Int }
                struct Attribute: Decodable { var attribute: String, objects: Int }
                var attributes: [Attribute]
                var droppedAnnotations: [Drop]
            }
            var objects: Int
            var remarks: [String]
            var statistics: Statistics
        }
        let output = try world.commands.succeed("producer", ["plan", "--json"] + request)
        let plan = try JSONDecoder().decode(Plan.self, from: Data(output.utf8))
        let (wanted, found) = (judge.wanted.count, (judge.wanted.count + 1) / 2)
        #expect(plan.objects == wanted && plan.remarks.isEmpty)
        let attributes = Dictionary(uniqueKeysWithValues: plan.statistics.attributes.map { ($0.attribute, $0.objects) })
        #expect(attributes == ["easy": found, "hard": wanted - found, "background": 0])
        let dropped = plan.statistics.droppedAnnotations.filter { $0.count > 0 }
        let ignored = judge.annotations.count - wanted
        #expect(dropped.map(\.rule) == (ignored > 0 ? ["ignored"] : []) && dropped.allSatisfy { $0.count == ignored })
    }

    private func checkExport(_ judge: JudgedSet, in world: TestWorld) throws {
        let report = try export("first", [], to: "alone", in: world)
        #expect(report.images == 2 && report.generated == 2 && report.annotations == judge.wanted.count)
        #expect(report.objects == judge.wanted.map { [$0.image_id, $0.id] })
        #expect(report.categories == judge.categories.map { [.id($0.id), .name($0.name)] })
        #expect(report.supercategories == judge.categories.map { $0.supercategory ?? "" })
        #expect(report.files.allSatisfy { $0.hasPrefix("first-") })
        #expect(report.averagePrecision == 1)
        try checkLabels(judge, in: world)
    }

    /// Converters to YOLO's labels take every `.json` for annotations and make no folders; each picture gets its labels.
    private func checkLabels(_ judge: JudgedSet, in world: TestWorld) throws {
        struct Labels: Decodable {
            var labels: [String: Int]
            var pictures: [String]
        }
        let made: Labels = try Readers.run("yolo.py", world.folder + "/alone")
        #expect(made.labels.keys.sorted() == made.pictures)
        #expect(made.labels.values.reduce(0, +) == judge.wanted.count)
    }

    /// With the file itself, and then another job of it with that: no name twice, no record lost.
    private func checkMerges(_ annotations: String, _ judge: JudgedSet, in world: TestWorld) throws {
        let merged = try export(
            "first", ["--with-real", annotations, "--real-prefix", "real"], to: "merged", in: world)
        #expect(merged.images == 4 && merged.generated == 2)
        #expect(merged.annotations == judge.annotations.count + judge.wanted.count)
        #expect(merged.categories == judge.categories.map { [.id($0.id), .name($0.name)] })
        #expect(merged.realNames == judge.images.map { $0.file_name.map { "real/" + $0 } ?? "" })
        // The earlier export would go, and the images that its records name with it.
        let itself = try world.commands.run(
            "catalogue",
            [
                "export", "coco", "--job", "second", "--out", world.folder + "/merged", "--with-real",
                world.folder + "/merged/annotations.json",
            ])
        #expect(itself.status == 78 && itself.errors.contains("choose another --out"), "\(itself.errors)")
        let output = world.folder + "/twice"
        let earlier = world.folder + "/merged/annotations.json"
        try world.commands.succeed(
            "catalogue", ["export", "coco", "--job", "second", "--out", output, "--with-real", earlier])
        let text = try Data(contentsOf: URL(fileURLWithPath: output + "/annotations.json"))
        let twice = try JSONDecoder().decode(JudgedSet.self, from: text)
        let names = twice.images.compactMap(\.file_name)
        #expect(twice.images.count == 6 && Set(names).count == names.count)
        #expect(Set(twice.annotations.map(\.id)).count == judge.annotations.count + 2 * judge.wanted.count)
    }

    private func export(_ job: String, _ more: [String], to name: String, in world: TestWorld) throws -> Report {
        let output = world.folder + "/" + name
        try world.commands.succeed("catalogue", ["export", "coco", "--job", job, "--out", output] + more)
        return try Readers.run("coco.py", output)
    }

    /// A part of COCO merges with all of it; a set that calls one of its categories otherwise does not.
    @Test func realSetsMergeWhereTheirCategoriesAgree() throws {
        try TestWorld.with("foreign") { world in
            let annotations = world.folder + "/part.json"
            let part = MadeSet.own.text.replacing(
                /"categories":.*/,
                with: ##""categories":[{"id":0,"name":"a"},{"id":1,"name":"b"},{"id":2,"name":"c"}]}"##)
            try Data(part.utf8).write(to: URL(fileURLWithPath: annotations))
            try world.commands.succeed(
                "producer",
                ["enqueue", "--job", "part", "--annotations", annotations, "--strategy", "hard", "--size", "128x96"])
            try world.commands.succeed("worker", TestWorld.worker)
            let cases: [(categories: String, finds: String?)] = [
                (#"{"id":7,"name":"d"},{"id":2,"name":"c"},{"id":1,"name":"b"},{"id":0,"name":"a"}"#, nil),
                (
                    #"{"id":0,"name":"a"},{"id":1,"name":"weld"},{"id":2,"name":"c"}"#,
                    "'b' (id 1) among them, found 'weld'"
                ),
                (#"{"id":0,"name":"a"},{"id":5,"name":"b"},{"id":2,"name":"c"}"#, "found it with id 5"),
                (#"{"id":0,"name":"a"},{"id":1,"name":"b"}"#, "'c' (id 2) among them, found none"),
            ]
            for (categories, finds) in cases {
                let real = world.folder + "/real.json"
                let text = #"{"images":[],"annotations":[],"categories":[\#(categories)]}"#
                try Data(text.utf8).write(to: URL(fileURLWithPath: real))
                let result = try world.commands.run(
                    "catalogue",
                    ["export", "coco", "--job", "part", "--out", world.folder + "/out", "--with-real", real])
                #expect(result.status == (finds == nil ? 0 : 78), "\(result.errors)")
                if let finds { #expect(result.errors.contains(finds), "\(result.errors)") }
            }
        }
    }
}
