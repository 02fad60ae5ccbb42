// Jobs of strategy mixed: their identity, and what their rules meet on the way to tasks.

import Catalogue
import Foundation
import Layouts
import Tasks
import Testing

@testable import Generation

struct MixedJobTests {
    /// A folder with the example set, its detections, and rules; removed when it goes away.
    private final class Stage {
        let folder = FileManager.default.temporaryDirectory.path + "/mixed-" + UUID().uuidString

        init() throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try write("annotations.json", ExampleSet.generate(seed: 3, images: 60))
            try write("detections.json", ExampleSet.generateDetections(seed: 3, images: 60))
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func write(_ name: String, _ bytes: [UInt8]) throws {
            try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }

        func request(_ rules: String) throws -> JobRequest {
            try write("rules.json", Array(rules.utf8))
            var request = JobRequest(annotations: "\(folder)/annotations.json", subset: .all, strategy: .mixed)
            request.rules = "\(folder)/rules.json"
            return request
        }
    }

    private static let rules =
        #"{"rules":[{"when":{"categories":["person"]},"use":"hard"},{"share":0.25,"use":"hard"}],"otherwise":"easy"}"#

    @Test func rulesAreTheJobsIdentityHoweverTheyAreWritten() throws {
        let stage = try Stage()
        let job = try JobPlanner.plan(try stage.request(Self.rules))
        #expect(job.specification.strategy == .mixed && job.specification.rules?.rules.count == 2)
        let spaced =
            "{ \"otherwise\" : \"easy\",\n\"rules\": [{\"use\":\"hard\",\"share\":1,\"when\":{\"categories\":[\"person\","
            + "\"person\"]}},{\"use\":\"hard\",\"share\":0.250}]}"
        #expect(try JobPlanner.plan(try stage.request(spaced)).specification == job.specification)
        let other = Self.rules.replacing("0.25", with: "0.26")
        #expect(try JobPlanner.plan(try stage.request(other)).specification != job.specification)
        #expect(try GenerateSpecification(json: job.specification.canonicalJSON()) == job.specification)
        #expect(try job.draft(name: "x", lane: .normal, hintSize: nil).strategy == "mixed")
    }

    @Test func tasksCarryWhatTheRulesSay() throws {
        let stage = try Stage()
        let job = try JobPlanner.plan(try stage.request(Self.rules))
        var counts = [0, 0]
        for number in 0..<job.taskCount {
            for object in try LayoutTask(decoding: job.task(number).payload).layout.objects {
                if object.category == "person" { #expect(object.attribute == .hard) }
                counts[object.attribute == .hard ? 0 : 1] += 1
            }
        }
        let outcomes = try #require(job.plan.statistics.rules)
        #expect(counts == [outcomes[0].objects + outcomes[1].objects, outcomes[2].objects])
        #expect(outcomes.allSatisfy { $0.objects > 0 })
        var seeded = try stage.request(Self.rules)
        seeded.seed = 9
        let drawn = try JobPlanner.plan(seeded)
        #expect(drawn.plan.statistics.rules?[0] == outcomes[0] && drawn.plan.statistics.rules?[1] != outcomes[1])
    }

    @Test func outcomesCountOnlyLayoutsWhosePromptsFit() throws {
        let stage = try Stage()
        var request = try stage.request(Self.rules)
        request.skipsUnfit = true
        request.promptFault = { $0.utf8.count > 300 ? "too long" : nil }
        let job = try JobPlanner.plan(request)
        let statistics = job.plan.statistics
        #expect(statistics.droppedImages.contains { $0.rule == .prompt && $0.count > 0 })
        #expect(statistics.rules?.reduce(0) { $0 + $1.objects } == statistics.objects)
    }

    @Test func originInARuleAsksTheDetector() throws {
        let stage = try Stage()
        let rules = #"{"rules":[{"when":{"categories":["person"]},"use":"hard"}],"otherwise":"origin"}"#
        var request = try stage.request(rules)
        let error = try #require(throws: LayoutError.self) { try JobPlanner.plan(request) }
        #expect(error.code == .options && error.description.contains("--detections FILE"), "\(error)")
        request.detections = "\(stage.folder)/detections.json"
        request.uncovered = .hard
        let job = try JobPlanner.plan(request)
        #expect(job.specification.detections != nil && job.specification.uncovered == .hard)
        let otherwise = try #require(job.plan.statistics.rules?.last)
        #expect(otherwise.easy > 0 && otherwise.hard > 0 && job.plan.statistics.rules?[0].easy == 0)
    }

    @Test func detectionsThatNoRuleAsksForAreRefused() throws {
        let stage = try Stage()
        var request = try stage.request(Self.rules)
        request.detections = "\(stage.folder)/detections.json"
        let error = try #require(throws: TaskError.self) { try JobPlanner.plan(request) }
        #expect(error.description.hasPrefix("--detections: the rules of ") && error.code == .invalid, "\(error)")
    }

    @Test func whatDecidesNothingIsAmongTheRemarks() throws {
        let stage = try Stage()
        let rules = #"{"rules":[{"when":{"frequency_at_least":0.99},"use":"hard"}],"otherwise":"easy"}"#
        let job = try JobPlanner.plan(try stage.request(rules))
        #expect(job.remarks.map(\.text).contains { $0.hasPrefix("rule 1 (frequency at least 0.99) decided nothing") })
    }
}
