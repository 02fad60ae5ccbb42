// Detecting as a job: one task an image, results in the catalogue, attributes that follow from them.

import Fixtures
import Foundation
import Testing

@Suite(
    .serialized, .timeLimit(.minutes(3)),
    .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct AttributeJobTests {
    @Test func detectionsAndAttributesAreKeptAsTheDetectorFoundThem() throws {
        try TestWorld.with("attributes") { world in
            let set = try DrawnSet(in: world.folder, images: 10)
            try world.detect("seen", set, ["--gamma", "0.03"])
            try world.commands.succeed("worker", TestWorld.detecting(set))
            let job = try #require(try world.records("jobs").first)
            #expect(job["kind"] as? String == "detect" && job["state"] as? String == "finished")
            #expect(job["capability"] as? String == "yolov4.\(try world.digest(of: "seen").prefix(12))")
            let results = try world.results(of: "seen")
            #expect(results.count == 10)
            #expect(
                try world.records("results").allSatisfy {
                    ($0["deviceClass"] as? String)?.hasPrefix("detect-1-") == true
                })
            #expect(results.flatMap(\.detections) == set.found.sorted { $0.image < $1.image })
            let objects = results.flatMap(\.layout.objects)
            #expect(objects.map(\.annotation_id) == set.objects.map(\.id))
            for (object, made) in zip(objects, set.objects) {
                #expect(object.attribute == (set.isEasy(made, gamma: 0.03, beta: 0.5) ? "easy" : "hard"))
            }
            #expect(Set(objects.map(\.attribute)) == ["easy", "hard"])
            #expect(results.allSatisfy { $0.gamma == 0.03 && $0.beta == 0.5 && !$0.same_class })
            #expect(try results.allSatisfy { try $0.detector == world.digest(of: "seen") })
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)
        }
    }

    @Test func theCatalogueShowsAttributesAndComputesThemAnew() throws {
        try TestWorld.with("attributes") { world in
            let set = try DrawnSet(in: world.folder, images: 10)
            try world.detect("seen", set, ["--gamma", "0.03"])
            try world.commands.succeed("worker", TestWorld.detecting(set))
            func expect(_ options: [String], gamma: Double, beta: Double, sameClass: Bool = false) throws {
                let text = try world.commands.succeed("catalogue", ["attributes", "--job", "seen", "--json"] + options)
                let survey = try JSONDecoder().decode(JudgedSurvey.self, from: Data(text.utf8))
                #expect(survey.gamma == gamma && survey.beta == beta && survey.sameClass == sameClass)
                #expect(survey.storedGamma == 0.03 && survey.storedBeta == 0.5 && !survey.storedSameClass)
                #expect(survey.images == 10 && survey.tasks == 10 && survey.detections == set.found.count)
                func tally(_ objects: [DrawnSet.Object]) -> JudgedSurvey.Tally {
                    let easy = objects.count { set.isEasy($0, gamma: gamma, beta: beta, sameClass: sameClass) }
                    return JudgedSurvey.Tally(easy: easy, hard: objects.count - easy)
                }
                #expect(survey.total == tally(set.objects))
                for (place, name) in ["cat", "dog", "bird"].enumerated() {
                    let mine = set.objects.filter { $0.category == place + 1 }
                    #expect(survey.categories.first { $0.name == name }?.tally == tally(mine))
                }
                let sizes = [0.0..<1024, 1024..<9216, 9216..<Double.infinity].map { range in
                    tally(set.objects.filter { range.contains($0.box[2] * $0.box[3]) })
                }
                #expect(survey.sizes.map(\.name) == ["small", "medium", "large"])
                #expect(survey.sizes.map(\.tally) == sizes)
            }
            try expect([], gamma: 0.03, beta: 0.5)
            try expect(["--gamma", "0.2"], gamma: 0.2, beta: 0.5)
            try expect(["--beta", "0.9", "--same-class"], gamma: 0.03, beta: 0.9, sameClass: true)
            // Nothing was stored by that.
            #expect(try world.results(of: "seen").allSatisfy { $0.gamma == 0.03 && $0.beta == 0.5 })

            let stored = try world.commands.succeed("catalogue", ["attributes", "--job", "seen"])
            #expect(stored.contains("attributes stored, with gamma 0.03, beta 0.5\n"))
            let chart = world.folder + "/chart.png"
            let computed = try world.commands.succeed(
                "catalogue", ["attributes", "--job", "seen", "--gamma", "0.2", "--chart", chart])
            #expect(computed.contains("attributes computed now, with gamma 0.2, beta 0.5\n"))
            #expect(computed.contains("(stored ones: gamma 0.03, beta 0.5)"))
            for text in [stored, computed] { #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 }) }
            #expect(try Data(contentsOf: URL(fileURLWithPath: chart)).starts(with: [0x89, 0x50, 0x4E, 0x47]))
        }
    }

    @Test func aJobOfAnotherKindHasNoAttributesToShow() throws {
        try TestWorld.with("attributes") { world in
            try world.enqueue("drawn", limit: 8, ["--seed", "\(UInt64.random(in: 0..<1 << 53))"])
            let refused = try world.commands.run("catalogue", ["attributes", "--job", "drawn"])
            #expect(refused.status == 78 && refused.errors.contains("found kind generate"), "\(refused.errors)")
            let unknown = try world.commands.run("catalogue", ["attributes", "--job", "nobody"])
            #expect(unknown.status == 78 && unknown.errors.contains("does not exist"))
            let wrong = try world.commands.run("catalogue", ["attributes", "--job", "drawn", "--gamma", "7"])
            #expect(wrong.status == 64 && wrong.errors.contains("--gamma: expected a number from 0 to 1"))
            try world.commands.succeed("worker", TestWorld.worker)
        }
    }

    @Test func aPictureThatIsMissingCorruptOrAnotherFailsItsOwnTaskByName() throws {
        try TestWorld.with("attributes") { world in
            let set = try DrawnSet(in: world.folder, images: 6)
            try FileManager.default.removeItem(atPath: set.path(of: 2))
            try Data("no picture".utf8).write(to: URL(fileURLWithPath: set.path(of: 3)))
            try FileManager.default.removeItem(atPath: set.path(of: 5))
            let other = Surroundings.root + "/Tests/Fuzz/corpus/png/rgb.png"
            try FileManager.default.copyItem(atPath: other, toPath: set.path(of: 5))
            let enqueued = try world.commands.run(
                "producer", TestWorld.detectArguments("seen", set) + ["--max-attempts", "2"])
            #expect(enqueued.status == 0)
            #expect(
                enqueued.errors.contains("warning: 1 of 6 pictures are not in \(set.pictures)"), "\(enqueued.errors)")
            try world.commands.succeed("worker", TestWorld.detecting(set))
            let dead = try world.records("tasks", ["--job", "seen", "--state", "dead"])
            #expect(dead.map { $0["image"] as? Int } == [2, 3, 5])
            let reasons = dead.compactMap { $0["reason"] as? String }
            #expect(reasons[0] == "cannot open \(set.path(of: 2)): No such file or directory")
            #expect(reasons[1].hasPrefix("picture \(set.path(of: 3)): "))
            #expect(reasons[2].hasPrefix("picture \(set.path(of: 5)): expected 96x72 pixels, as annotated, found "))
            // Only what other workers, or other attempts, may find there is tried again.
            #expect(dead.map { $0["attempt"] as? Int } == [2, 1, 1])
            #expect(try world.results(of: "seen").map(\.layout.image_id) == [1, 4, 6])
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)
            for image in [2, 3, 5] {
                try? FileManager.default.removeItem(atPath: set.path(of: image))
                try FileManager.default.copyItem(atPath: set.path(of: 1), toPath: set.path(of: image))
            }
            try world.commands.succeed("catalogue", ["retry", "--job", "seen"])
            try world.commands.succeed("worker", TestWorld.detecting(set))
            #expect(try world.records("jobs").first?["state"] as? String == "finished")
        }
    }

    @Test func workersTakeOnlyJobsOfTheirOwnDetector() throws {
        try TestWorld.with("attributes") { world in
            let set = try DrawnSet(in: world.folder, images: 3)
            try world.detect("seen", set)
            let again = try world.commands.succeed("producer", TestWorld.detectArguments("seen", set))
            #expect(again.contains("already there"))
            for other in [["--threshold", "0.03"], ["--names", set.otherNames]] {
                // Options that come later are heard.
                try world.commands.succeed("worker", TestWorld.detecting(set) + other)
                #expect(try world.results(of: "seen").isEmpty)
                let refused = try world.commands.run("producer", TestWorld.detectArguments("seen", set) + other)
                #expect(refused.status == 78 && refused.errors.contains("detectorDigest: "), "\(refused.errors)")
            }
            let profile = world.folder + "/profile.json"
            let served = set.profile.replacing("PICTURES", with: set.pictures)
            try #"{"detectors": [\#(served)], "pack": false}"#.write(
                toFile: profile, atomically: true, encoding: .utf8)
            try world.commands.succeed("worker", TestWorld.worker + ["--profile", profile])
            #expect(try world.results(of: "seen").count == 3)
            let nowhere = try world.commands.run(
                "producer", TestWorld.detectArguments("more", set) + ["--images", world.folder])
            #expect(nowhere.status == 66 && nowhere.errors.contains("found none of 3"), "\(nowhere.errors)")
            try world.commands.succeed("catalogue", ["purge", "--job", "seen"])
            #expect(try world.sql("SELECT count(*) FROM results") == ["0"])
        }
    }

    @Test func aDetectorWhoseFilesChangeUnderAWorkerEndsIt() throws {
        try TestWorld.with("attributes") { world in
            let set = try DrawnSet(in: world.folder, images: 4)
            let weights = world.folder + "/own.weights"
            let place = try #require(set.detector.firstIndex(of: "--weights")) + 1
            try FileManager.default.copyItem(atPath: set.detector[place], toPath: weights)
            let detecting = TestWorld.detecting(set) + ["--weights", weights]
            try world.commands.succeed("producer", TestWorld.detectArguments("seen", set) + ["--weights", weights])
            let worker = try world.commands.start("worker", detecting, failpoints: "worker.before-claim=stop@1")
            try world.wait(for: "the worker to stop") { try worker.isStopped }
            var bytes = try Data(contentsOf: URL(fileURLWithPath: weights))
            bytes[bytes.count - 1] ^= 1
            try bytes.write(to: URL(fileURLWithPath: weights))
            worker.send(SIGCONT)
            let result = try worker.wait()
            #expect(result.status == 65 && result.errors.contains("own.weights: expected the file"), "\(result.errors)")
            #expect(try world.sql("SELECT count(*) FROM results") == ["0"])
            #expect(try world.sql("SELECT max(attempt), max(returns) FROM tasks") == ["0|1"])
        }
    }
}

extension TestWorld {
    /// Enqueues a detect job over a drawn set: shards of 4, hints of 2.
    func detect(_ job: String, _ set: DrawnSet, _ more: [String] = []) throws {
        try commands.succeed("producer", Self.detectArguments(job, set) + more)
    }

    static func detectArguments(_ job: String, _ set: DrawnSet) -> [String] {
        [
            "attributes", "--job", job, "--annotations", set.annotations, "--images", set.pictures, "--subset", "all",
            "--size", "96x72", "--shard-size", "4", "--hint-size", "2",
        ] + set.detector
    }

    /// A worker of the set's detector with short times, until nothing is left to do.
    static func detecting(_ set: DrawnSet) -> [String] {
        worker + ["--images", set.pictures, "--batch", "2", "--no-pack"] + set.detector
    }

    /// The detector's digest, as a job's specification has it.
    func digest(of job: String) throws -> String {
        try #require(
            try sql("SELECT specification::json ->> 'detectorDigest' FROM jobs WHERE name = '\(job)'").first)
    }

    /// What a detect job recorded, in the order of its tasks, read with nothing of the project's own.
    func results(of job: String) throws -> [JudgedImage] {
        try sql(
            """
            SELECT convert_from(r.content, 'UTF8') FROM results r JOIN shards s ON s.id = r.shard_id
            JOIN jobs j ON j.id = s.job_id WHERE j.name = '\(job)' AND r.lost_at IS NULL ORDER BY s.number, r.number
            """
        ).map { try JSONDecoder().decode(JudgedImage.self, from: Data($0.utf8)) }
    }
}

/// What `attributes --json` says.
struct JudgedSurvey: Decodable {
    struct Tally: Decodable, Equatable { var easy: Int, hard: Int }
    struct Row: Decodable { var name: String, tally: Tally }

    var gamma, beta, storedGamma, storedBeta: Double
    var sameClass, storedSameClass: Bool
    var images, tasks, detections: Int
    var total: Tally
    var sizes, categories: [Row]
}

/// A result of a detect task.
struct JudgedImage: Decodable {
    struct Box: Decodable { var bbox: [Double], category_id: Int, score: Double }
    struct Object: Decodable { var annotation_id: Int, attribute: String, bbox: [Double], category: String }
    struct Layout: Decodable { var image_id: Int, objects: [Object] }

    private enum CodingKeys: String, CodingKey {
        case layout, gamma, beta, same_class, detector, picture
        case boxes = "detections"
    }

    var layout: Layout
    var gamma: Double
    var beta: Double
    var same_class: Bool
    var detector: String
    var picture: String
    private var boxes: [Box]

    var detections: [DrawnSet.Found] {
        boxes.map { DrawnSet.Found(image: layout.image_id, category: $0.category_id, box: $0.bbox, score: $0.score) }
    }
}
