// Leaving layouts out of a plan: every number of its statistics follows.

import Foundation
import Testing

@testable import Layouts

struct DroppingTests {
    /// The example set's plan, under `hard`.
    private static func plan() throws -> LayoutPlan {
        let path = FileManager.default.temporaryDirectory.path + "/example-" + UUID().uuidString
        try Data(ExampleSet.generate(seed: 3, images: 60)).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let subset = try Subset.select(things: AnnotationSet.read(path: path), stuff: nil, protocol: .all)
        return try LayoutPlan.make(subset: subset, strategy: .hard, attributes: nil)
    }

    private static func count(_ rule: DropReason, _ counts: [RuleCount]) -> Int {
        counts.first { $0.rule == rule }?.count ?? -1
    }

    @Test func theStatisticsAreThoseOfWhatIsLeft() throws {
        let plan = try Self.plan()
        let crowded = plan.layouts.filter { $0.objects.count > 6 }
        let left = plan.dropping { $0.objects.count > 6 }
        #expect(!crowded.isEmpty && crowded.count < plan.layouts.count)
        #expect(left.layouts == plan.layouts.filter { $0.objects.count <= 6 }, "in their order")
        let objects = left.layouts.flatMap(\.objects)
        let statistics = left.statistics
        #expect(statistics.images == left.layouts.count && statistics.objects == objects.count)
        for category in statistics.categories {
            #expect(category.objects == objects.filter { $0.category == category.name }.count, "\(category.name)")
        }
        for attribute in statistics.attributes {
            #expect(attribute.objects == objects.filter { $0.attribute == attribute.attribute }.count)
        }
        #expect(Self.count(.prompt, statistics.droppedImages) == crowded.count)
        let dropped = crowded.reduce(0) { $0 + $1.objects.count }
        let before = Self.count(.imageDropped, plan.statistics.droppedAnnotations)
        #expect(Self.count(.imageDropped, statistics.droppedAnnotations) == before + dropped)
        for rule in DropReason.ofImages where rule != .prompt {
            #expect(
                Self.count(rule, statistics.droppedImages) == Self.count(rule, plan.statistics.droppedImages))
        }
    }

    @Test func nothingChangesWhereAllFitAndAllIsCountedWhereNoneDoes() throws {
        let plan = try Self.plan()
        let same = plan.dropping { _ in false }
        #expect(same.layouts == plan.layouts && same.statistics == plan.statistics)
        let none = plan.dropping { _ in true }
        #expect(none.layouts.isEmpty && none.statistics.images == 0 && none.statistics.objects == 0)
        #expect(none.statistics.categories.allSatisfy { $0.objects == 0 })
        #expect(Self.count(.prompt, none.statistics.droppedImages) == plan.layouts.count)
    }

    @Test func whatTheJudgeThrowsIsThrown() throws {
        struct Refusal: Error {}
        let plan = try Self.plan()
        #expect(throws: Refusal.self) { try plan.dropping { _ in throw Refusal() } }
    }
}
