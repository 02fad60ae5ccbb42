// Plans of the real COCO subset, and requests that contradict themselves.

import Catalogue
import Digests
import Fixtures
import Foundation
import Layouts
import Tasks
import Testing

@testable import Generation

@Suite(.enabled(if: Surroundings.coco != nil, Comment(rawValue: Surroundings.cocoMissing)))
struct RealPlanTests {
    private static let folder = Surroundings.coco ?? ""
    private static let annotations = folder + "/instances_val2017_subset.json"
    private static let detections = folder + "/efficientdet_val2017_10img_bbox_results.json"

    private func request(_ strategy: Strategy = .hard) -> JobRequest {
        var request = JobRequest(annotations: Self.annotations, subset: .trainability, strategy: strategy)
        request.shardSize = 16
        if strategy == .origin { request.detections = Self.detections }
        return request
    }

    @Test func theKnownAnswerIs86Images386ObjectsIn6Shards() throws {
        let job = try JobPlanner.plan(request())
        #expect(job.images == 86 && job.taskCount == 86 && job.shardCount == 6)
        #expect(job.plan.layouts.reduce(0) { $0 + $1.objects.count } == 386)
        #expect(job.categories.count == 80)
        #expect(try job.specification.annotations == SHA256.digest(ofFileAt: Self.annotations))
    }

    @Test func aTaskCarriesItsLayoutPromptAndSeed() throws {
        let job = try JobPlanner.plan(request())
        let draft = try job.task(5)
        let task = try LayoutTask(decoding: draft.payload)
        #expect(task.layout == job.plan.layouts[5] && draft.imageID == task.layout.imageID && draft.sample == 0)
        #expect(task.prompt.hasPrefix("An image with ") && task.prompt.contains("[hard]"))
        #expect(task.seed == LayoutTask.seed(jobSeed: 0, imageID: task.layout.imageID, sample: 0))
    }

    @Test func limitsKeepTheBeginningAndTheIdentity() throws {
        let all = try JobPlanner.plan(request())
        var limited = request()
        limited.limit = 20
        let job = try JobPlanner.plan(limited)
        #expect(job.images == 20 && job.shardCount == 2)
        #expect(job.specification == all.specification)
        #expect(try (0..<20).allSatisfy { try job.task($0).payload == all.task($0).payload })
        limited.limit = 1000
        #expect(try JobPlanner.plan(limited).images == 86)
    }

    @Test func samplesOfOneImageStandTogetherAndDiffer() throws {
        var request = request()
        request.samples = 3
        request.limit = 4
        let job = try JobPlanner.plan(request)
        #expect(job.taskCount == 12)
        let tasks = try (0..<12).map { try LayoutTask(decoding: job.task($0).payload) }
        #expect(tasks.map(\.sample) == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2])
        #expect(
            tasks.map(\.layout.imageID) == job.plan.layouts.prefix(4).flatMap { [$0.imageID, $0.imageID, $0.imageID] })
        #expect(Set(tasks.map(\.seed)).count == 12 && Set(tasks.map(\.key)).count == 12)
    }

    @Test func imageIDsRestrictTheSubsetHoweverTheyAreWritten() throws {
        let all = try JobPlanner.plan(request())
        let ids = all.plan.layouts.prefix(3).map(\.imageID)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let texts = [ids.map(String.init).joined(separator: "\n"), "\(Array(ids.reversed() + ids))"]
        let jobs = try texts.enumerated().map { index, text in
            let path = folder.appendingPathComponent("\(index)").path
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            var request = request()
            request.imageIDs = path
            return try JobPlanner.plan(request)
        }
        #expect(jobs[0].plan.layouts.map(\.imageID) == ids)
        #expect(jobs[0].specification == jobs[1].specification)
        #expect(jobs[0].specification != all.specification)
    }

    /// The covered images are those with a detection.
    private func covered() throws -> Set<Int> {
        struct Record: Decodable { var image_id: Int }
        let data = try Data(contentsOf: URL(fileURLWithPath: Self.detections))
        return Set(try JSONDecoder().decode([Record].self, from: data).map(\.image_id))
    }

    @Test func uncoveredImagesFailThePlanWithTheirCountAndFirstIDs() throws {
        let covered = try covered()
        let missing = try JobPlanner.plan(request()).plan.layouts.map(\.imageID).filter { !covered.contains($0) }
        let error = try #require(throws: LayoutError.self) { try JobPlanner.plan(request(.origin)) }
        #expect(error.description.contains("found \(missing.count) that the detector was not run on"), "\(error)")
        #expect(error.description.contains(missing.prefix(3).map(String.init).joined(separator: ", ")), "\(error)")
        #expect(!error.description.contains("\n"))
    }

    @Test func skippingLeavesUncoveredImagesOut() throws {
        let covered = try covered()
        let expected = try JobPlanner.plan(request()).plan.layouts.map(\.imageID).filter(covered.contains)
        var request = request(.origin)
        request.uncovered = .skip
        let job = try JobPlanner.plan(request)
        #expect(job.plan.layouts.map(\.imageID) == expected)
        #expect(!expected.isEmpty && job.taskCount == expected.count)
        #expect(job.specification.uncovered == .skip && job.specification.gamma == 0.3 && job.specification.beta == 0.5)
    }

    @Test func hardLabelsUncoveredImagesHardAndTheOthersByEquation2() throws {
        let covered = try covered()
        var request = request(.origin)
        request.uncovered = .hard
        let job = try JobPlanner.plan(request)
        #expect(job.images == 86)
        let uncovered = job.plan.layouts.filter { !covered.contains($0.imageID) }.flatMap(\.objects)
        #expect(uncovered.allSatisfy { $0.attribute == .hard })
        let attributes = Set(
            job.plan.layouts.filter { covered.contains($0.imageID) }.flatMap(\.objects).map(\.attribute))
        #expect(attributes == [.easy, .hard])
        request.rule = AttributeRule(gamma: 0.9)
        #expect(try JobPlanner.plan(request).specification != job.specification)
    }
}

struct RequestErrorTests {
    /// A request that means nothing, and what its error says.
    struct Wrong: Sendable, CustomTestStringConvertible {
        var flag: String
        var says: String
        var change: @Sendable (inout JobRequest) -> Void
        var testDescription: String { "\(flag) \(says)" }

        init(_ flag: String, _ says: String, _ change: @escaping @Sendable (inout JobRequest) -> Void) {
            self.flag = flag
            self.says = says
            self.change = change
        }
    }

    static let wrongs = [
        Wrong("--size", "found 0") { $0.width = 0 }, Wrong("--size", "found 457") { $0.height = 457 },
        Wrong("--size", "found 4104") { $0.width = 4104 }, Wrong("--size", "found -8") { $0.height = -8 },
        Wrong("--samples", "expected 1 to 1000, found 0") { $0.samples = 0 },
        Wrong("--samples", "found 1001") { $0.samples = 1001 },
        Wrong("--shard-size", "found 0") { $0.shardSize = 0 },
        Wrong("--shard-size", "found 10001") { $0.shardSize = 10_001 },
        Wrong("--limit", "expected at least 1, found 0") { $0.limit = 0 },
        Wrong("--limit", "found -1") { $0.limit = -1 },
        Wrong("--seed", "2^53") { $0.seed = 1 << 53 },
        Wrong("--detections", "drop the option, or use --strategy origin") { $0.detections = "d.json" },
        Wrong("--strategy origin", "--detections FILE") { $0.strategy = .origin },
        Wrong("--rules", "drop the option, or use --strategy mixed") { $0.rules = "rules.json" },
        Wrong("--strategy mixed", "expected --rules FILE") { $0.strategy = .mixed },
        Wrong("--detected-images", "drop the option") {
            $0.strategy = .mixed
            $0.rules = "rules.json"
            $0.detectedImages = "ids.txt"
        },
        Wrong("--detected-images", "drop the option") { $0.detectedImages = "ids.txt" },
    ]

    @Test(arguments: wrongs)
    func anOptionThatMeansNothingIsNamedBeforeAnyFileIsRead(wrong: Wrong) throws {
        var request = JobRequest(annotations: "/does/not/exist.json", subset: .trainability, strategy: .hard)
        wrong.change(&request)
        let error = try #require(throws: TaskError.self) { try JobPlanner.plan(request) }
        #expect(error.code == .invalid)
        #expect(error.description.hasPrefix(wrong.flag) && error.description.contains(wrong.says), "\(error)")
        #expect(!error.description.contains("\n"))
    }

    @Test func aMissingFileIsNamed() throws {
        let request = JobRequest(annotations: "/does/not/exist.json", subset: .trainability, strategy: .hard)
        let error = try #require(throws: LayoutError.self) { try JobPlanner.plan(request) }
        #expect(error.code == .file && error.description.contains("/does/not/exist.json"))
    }

    @Test func aFileWithoutAnImageThatPassesIsRefused() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString + ".json").path
        let text =
            #"{"images":[{"id":1,"file_name":"a.jpg","width":100,"height":100}],"annotations":[],"categories":[{"id":1,"name":"person"}]}"#
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let request = JobRequest(annotations: path, subset: .trainability, strategy: .hard)
        let error = try #require(throws: (any Error).self) { try JobPlanner.plan(request) }
        #expect("\(error)".contains("found none of 1"), "\(error)")
    }
}
