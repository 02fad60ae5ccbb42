// Prompts that a generator's text encoder cannot take: refused with a list, or left out and counted.

import Foundation
import Layouts
import Tasks
import Testing

@testable import Generation

struct PromptFaultTests {
    private let path = FileManager.default.temporaryDirectory.path + "/sample-" + UUID().uuidString

    /// Judges prompts by their objects: more than `limit` do not fit.
    private func request(limit: Int) throws -> JobRequest {
        try Data(ExampleSet.generate(seed: 3, images: 60)).write(to: URL(fileURLWithPath: path))
        var request = JobRequest(annotations: path, subset: .all, strategy: .hard)
        request.promptFault = { prompt in
            let objects = prompt.matches(of: /\[hard\]/).count
            return objects > limit ? "\(objects) objects, \(limit) fit" : nil
        }
        return request
    }

    private func remove() throws { try FileManager.default.removeItem(atPath: path) }

    @Test func aPromptThatDoesNotFitFailsThePlanWithItsImages() throws {
        var request = try request(limit: 6)
        request.promptFault = nil
        let crowded = try JobPlanner.plan(request).plan.layouts.filter { $0.objects.count > 6 }
        #expect(!crowded.isEmpty)
        request = try self.request(limit: 6)
        let error = try #require(throws: LayoutError.self) { try JobPlanner.plan(request) }
        #expect(error.code == .content && !error.description.contains("\n"))
        #expect(error.description.contains("found \(crowded.count) of "), "\(error)")
        #expect(
            error.description.contains("image \(crowded[0].imageID): \(crowded[0].objects.count) objects, 6 fit"),
            "\(error)")
        for layout in crowded.prefix(20) { #expect(error.description.contains("\(layout.imageID)")) }
        #expect(error.description.contains("--skip-unfit"))
        try remove()
    }

    @Test func skippedPromptsAreCountedAndMakeAnotherJob() throws {
        var request = try request(limit: 6)
        request.skipsUnfit = true
        let job = try JobPlanner.plan(request)
        #expect(job.plan.layouts.allSatisfy { $0.objects.count <= 6 } && job.images == job.plan.layouts.count)
        let dropped = job.plan.statistics.droppedImages.first { $0.rule == .prompt }
        #expect((dropped?.count ?? 0) > 0)
        #expect(job.specification.skipsUnfit == true)
        request.promptFault = { _ in nil }
        request.skipsUnfit = false
        #expect(try JobPlanner.plan(request).specification != job.specification)
        try remove()
    }

    @Test func theLimitCountsOnlyWhatFits() throws {
        var request = try request(limit: 6)
        request.skipsUnfit = true
        let all = try JobPlanner.plan(request)
        request.limit = 5
        let few = try JobPlanner.plan(request)
        #expect(few.images == 5 && few.taskCount == 5 && few.specification == all.specification)
        try remove()
    }

    @Test func aSubsetOfWhichNothingFitsIsRefused() throws {
        var request = try request(limit: 0)
        request.skipsUnfit = true
        let error = try #require(throws: LayoutError.self) { try JobPlanner.plan(request) }
        #expect(error.description.contains("prompt"), "\(error)")
        try remove()
    }
}
