// Jobs that even out a set: their identity, their tasks, and what they refuse.

import Catalogue
import Foundation
import Layouts
import Tasks
import Testing

@testable import Generation

struct RebalancedJobTests {
    /// A file with the example set, removed when it goes away.
    private final class Stage {
        let path = FileManager.default.temporaryDirectory.path + "/rebalanced-" + UUID().uuidString

        init() throws { try Data(ExampleSet.generate(seed: 3, images: 80)).write(to: URL(fileURLWithPath: path)) }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func plan(_ rebalance: Rebalance?, limit: Int? = nil) throws -> PlannedJob {
            var request = JobRequest(annotations: path, subset: .all, strategy: .hard)
            request.rebalance = rebalance
            request.limit = limit
            return try JobPlanner.plan(request)
        }
    }

    @Test func tasksAreTheChosenSamplesOfTheirLayouts() throws {
        let job = try Stage().plan(Rebalance(by: .frequency))
        let rebalanced = try #require(job.rebalanced)
        #expect(job.taskCount == rebalanced.picks.count && job.taskCount == job.plan.layouts.count)
        #expect(job.images == Set(rebalanced.picks.map(\.layout)).count && job.images < job.taskCount)
        let tasks = try (0..<job.taskCount).map { try LayoutTask(decoding: job.task($0).payload) }
        for (task, pick) in zip(tasks, rebalanced.picks) {
            #expect(task.layout == job.plan.layouts[pick.layout] && task.sample == pick.sample)
            #expect(task.seed == LayoutTask.seed(jobSeed: 0, imageID: task.layout.imageID, sample: pick.sample))
        }
        #expect(Set(tasks.map(\.key)).count == tasks.count && tasks.contains { $0.sample > 0 })
        #expect(job.objectCount == tasks.reduce(0) { $0 + $1.layout.objects.count })
        #expect(rebalanced.report.distanceAfter < rebalanced.report.distanceBefore)
    }

    @Test func aLargerLimitOnlyAddsTasksAndIsTheSameJob() throws {
        let stage = try Stage()
        let few = try stage.plan(Rebalance(by: .frequency), limit: 30)
        let many = try stage.plan(Rebalance(by: .frequency), limit: 80)
        #expect(few.taskCount == 30 && many.taskCount == 80)
        #expect(few.specification == many.specification)
        #expect(try (0..<30).allSatisfy { try few.task($0).payload == many.task($0).payload })
    }

    @Test func whatIsAskedForIsTheJobsIdentity() throws {
        let stage = try Stage()
        let requests: [Rebalance?] = [
            nil, Rebalance(by: .frequency), Rebalance(by: .frequency, target: .uniform),
            Rebalance(by: .frequency, maximumRepeats: 9), Rebalance(by: .position),
            Rebalance(by: .position, grid: Bins(columns: 3, rows: 4)),
            Rebalance(by: .frequency, target: .shares(["person": 0.1])),
            Rebalance(by: .frequency, target: .shares(["person": 0.11])),
        ]
        let specifications = try requests.map { try stage.plan($0).specification }
        #expect(try Set(specifications.map { try $0.canonicalJSON() }).count == requests.count)
        for specification in specifications {
            #expect(try GenerateSpecification(json: specification.canonicalJSON()) == specification)
        }
    }

    @Test func aSetThatNoImageBringsNearerIsRefused() throws {
        let stage = try Stage()
        // The rules of trainability leave no small object in any layout.
        var request = JobRequest(annotations: stage.path, subset: .trainability, strategy: .hard)
        request.rebalance = Rebalance(by: .size, target: .shares(["small": 0.9]))
        let error = try #require(throws: LayoutError.self) { _ = try JobPlanner.plan(request) }
        #expect(error.code == .content)
        #expect(
            error.description.hasPrefix("cannot rebalance: expected an image that brings the set nearer"), "\(error)")
    }

    /// What contradicts itself, before any file is read.
    @Test(arguments: [
        ("--samples: --rebalance decides", Rebalance(by: .size), 2),
        ("--max-repeats: expected 1 to 1000, found 0", Rebalance(by: .size, maximumRepeats: 0), 1),
        ("--max-repeats: expected 1 to 1000, found 1001", Rebalance(by: .size, maximumRepeats: 1001), 1),
        ("it is for --rebalance frequency", Rebalance(by: .size, target: .repeatFactor(threshold: 0.1)), 1),
        (
            "a threshold above 0 and up to 1, found 0.0",
            Rebalance(by: .frequency, target: .repeatFactor(threshold: 0)), 1
        ),
        ("found nan", Rebalance(by: .frequency, target: .repeatFactor(threshold: .nan)), 1),
        ("--grid: expected 1 to 64 cells a side", Rebalance(by: .position, grid: Bins(columns: 65, rows: 1)), 1),
    ])
    func whatContradictsItselfIsNamed(says: String, rebalance: Rebalance, samples: Int) throws {
        var request = JobRequest(annotations: "/does/not/exist", subset: .all, strategy: .hard)
        request.rebalance = rebalance
        request.samples = samples
        let error = try #require(throws: TaskError.self) { try JobPlanner.plan(request) }
        #expect(error.code == .invalid && error.description.contains(says), "\(error)")
        #expect(!error.description.contains("\n"))
    }
}
