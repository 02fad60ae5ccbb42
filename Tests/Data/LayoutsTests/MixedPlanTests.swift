// Plans under rules: against brute force on real data, and rule by rule.

import Foundation
import Testing

@testable import Layouts

@Suite struct MixedPlanTests {
    private typealias Rule = MixedRules.Rule

    private static func condition(_ change: (inout MixedRules.Condition) -> Void) -> MixedRules.Condition {
        var condition = MixedRules.Condition()
        change(&condition)
        return condition
    }

    private static func plan(
        _ rules: [Rule], otherwise: MixedRules.Choice = .easy, seed: UInt64 = 0, _ source: AttributeSource? = nil,
        of subset: Subset? = nil
    ) throws -> LayoutPlan {
        let subset = try subset ?? LayoutPlanTests.subset()
        let judge = try RuleJudge(MixedRules(rules: rules, otherwise: otherwise), for: subset, seed: seed)
        return try LayoutPlan.make(subset: subset, rules: judge, attributes: source)
    }

    private static func attributes(_ plan: LayoutPlan) -> [[Attribute]] {
        plan.layouts.map { $0.objects.map(\.attribute) }
    }

    // Image 1 has a person, a bicycle, a person and stuff; image 2 a bicycle, a person and a bicycle; all boxes are alike.

    @Test func theFirstRuleThatTakesAnObjectDecidesIt() throws {
        let people = Rule(when: Self.condition { $0.categories = ["person"] }, use: .hard)
        let all = Rule(when: Self.condition { $0.areaBelow = 1 }, use: .easy)
        #expect(
            Self.attributes(try Self.plan([people, all], otherwise: .hard))
                == [[.hard, .easy, .hard, .background], [.easy, .hard, .easy]])
        #expect(
            Self.attributes(try Self.plan([all, people], otherwise: .hard))
                == [[.easy, .easy, .easy, .background], [.easy, .easy, .easy]])
    }

    /// Each category has half of the six things, stuff not counted; each box covers 0.04 of its image.
    @Test(arguments: [
        ("frequency_below", 0.5, false), ("frequency_below", 0.51, true), ("frequency_at_least", 0.5, true),
        ("frequency_at_least", 0.51, false), ("area_below", 0.04, false), ("area_below", 0.041, true),
        ("area_at_least", 0.04, true), ("area_at_least", 0.041, false),
    ])
    func boundsTakeWhatTheirNamesSay(key: String, bound: Double, takes: Bool) throws {
        let text = #"{"rules":[{"when":{"\#(key)":\#(bound)},"use":"hard"}],"otherwise":"easy"}"#
        let rules = try withFile(text) { try MixedRules(file: $0) }
        let plan = try Self.plan(rules.rules)
        #expect(plan.statistics.rules?.map(\.objects) == (takes ? [6, 0] : [0, 6]))
    }

    @Test func outcomesCountThingsAndTheirAttributes() throws {
        let people = Rule(when: Self.condition { $0.categories = ["person"] }, use: .hard)
        let hard = AttributeSource(detections: LayoutPlanTests.found, uncovered: .hard)
        let plan = try Self.plan([people], otherwise: .origin, hard)
        let outcomes = try #require(plan.statistics.rules)
        #expect(outcomes.map(\.rule) == [1, nil] && outcomes.map(\.use) == [.hard, .origin])
        #expect(
            outcomes.map(\.objects) == [3, 3] && outcomes.map(\.hard) == [3, 3] && outcomes.map(\.easy) == [0, 0])
        #expect(plan.statistics.attributes.map(\.objects) == [0, 6, 1])
    }

    @Test func onlyImagesWithObjectsThatAskADetectorMustBeCovered() throws {
        // The detector looked at image 1 only, and only its second person is asked about.
        let source = AttributeSource(detections: LayoutPlanTests.found)
        var subset = try LayoutPlanTests.subset()
        subset.images[1].objects.removeAll { $0.category.name == "person" }
        let bicycles = Rule(when: Self.condition { $0.categories = ["bicycle"] }, use: .hard)
        let plan = try Self.plan([bicycles], otherwise: .origin, source, of: subset)
        #expect(Self.attributes(plan) == [[.easy, .hard, .hard, .background], [.hard, .hard]])
        #expect(plan.statistics.uncoveredImages == 0)
    }

    @Test func uncoveredImagesFollowThePolicy() throws {
        let bicycles = Rule(when: Self.condition { $0.categories = ["bicycle"] }, use: .easy)
        let error = try #require(throws: LayoutError.self) {
            try Self.plan([bicycles], otherwise: .origin, AttributeSource(detections: LayoutPlanTests.found))
        }
        #expect(error.code == .uncovered)
        #expect(error.description.contains("all 2 images that the rules ask a detector about, found 1"), "\(error)")
        let skip = AttributeSource(detections: LayoutPlanTests.found, uncovered: .skip)
        let skipped = try Self.plan([bicycles], otherwise: .origin, skip)
        #expect(Self.attributes(skipped) == [[.easy, .easy, .hard, .background]])
        #expect(skipped.statistics.rules?.map(\.objects) == [1, 2] && skipped.statistics.uncoveredImages == 1)
    }

    @Test func aDetectorIsNeededOnlyWhereAnObjectAsksIt() throws {
        let all = Rule(when: Self.condition { $0.areaBelow = 1 }, use: .hard)
        #expect(try Self.plan([all], otherwise: .origin).statistics.attributes.map(\.objects) == [0, 6, 1])
        let people = Rule(when: Self.condition { $0.categories = ["person"] }, use: .hard)
        let error = try #require(throws: LayoutError.self) { try Self.plan([people], otherwise: .origin) }
        #expect(error.code == .options && error.description.contains("--detections FILE"), "\(error)")
        #expect(error.description.contains("in 2 of 2 images (image 1 first)"), "\(error)")
    }

    @Test func unknownNamesAndStuffAreRefused() throws {
        for (name, says) in [("persn", "('person', 'bicycle'), found 'persn'"), ("banner", "found the stuff 'banner'")]
        {
            let rule = Rule(when: Self.condition { $0.categories = ["person", name] }, use: .hard)
            let error = try #require(throws: LayoutError.self) { try Self.plan([rule]) }
            #expect(error.code == .content && error.description.contains("rule 1, when.categories"), "\(error)")
            #expect(error.description.contains(says) && !error.description.contains("\n"), "\(error)")
        }
    }

    @Test func aRuleThatDecidesNothingIsRemarkedWithTheReason() throws {
        let subset = try Subset.select(things: annotationSet(SubsetTests.passing), stuff: nil, protocol: .trainability)
        let rules = MixedRules(
            rules: [
                Rule(when: Self.condition { $0.areaBelow = 0.02 }, use: .hard),
                Rule(when: Self.condition { $0.frequencyBelow = 0.1 }, use: .hard),
                Rule(when: Self.condition { $0.areaAtLeast = 0.5 }, use: .hard),
                Rule(when: Self.condition { $0.categories = ["person", "bicycle"] }, use: .hard),
                Rule(when: Self.condition { $0.categories = ["person"] }, use: .easy),
                Rule(
                    when: Self.condition {
                        $0.categories = ["person"]; $0.areaBelow = 0.3
                    }, share: 0.5, use: .easy),
            ], otherwise: .easy)
        let judge = try RuleJudge(rules, for: subset, seed: 0)
        let plan = try LayoutPlan.make(subset: subset, rules: judge, attributes: nil)
        let remarks = judge.remarks(on: try #require(plan.statistics.rules))
        #expect(remarks.allSatisfy { $0.isWarning })
        let says = [
            "rule 1 (area below 0.02) can never decide anything: the subset keeps only boxes of more than 0.02",
            "rule 2 (frequency below 0.1) decided nothing: no category is like that",
            "rule 3 (area at least 0.5) decided nothing",
            "rule 5 (category is person) can never decide anything: rule 4 takes all of its objects before",
            "rule 6 (category is person, area below 0.3, a share of 0.5) can never decide anything: rule 4 takes",
        ]
        try #require(remarks.count == says.count)
        for (remark, text) in zip(remarks, says) { #expect(remark.text.hasPrefix(text), "\(remark.text)") }
    }

    /// Values from Python: `(int.from_bytes(sha256(text).digest()[:8], "big") >> 11) / 2**53`.
    @Test func drawsAreAsDocumented() {
        #expect(RuleJudge.draw(seed: 0, rule: 1, image: 139, annotation: 5) == 0.27768406406126156)
        #expect(RuleJudge.draw(seed: 7, rule: 2, image: 139, annotation: 5) == 0.2541640600440569)
        #expect(
            RuleJudge.draw(seed: 9_007_199_254_740_991, rule: 3, image: -1, annotation: 900_100_581_904)
                == 0.698787265597936)
    }

    @Test func sharesAreThoseOfTheSeedAndNearTheirValue() throws {
        let boxes = (0..<2000).map { _ in Box(x: 10, y: 10, width: 20, height: 20) }
        let subset = try Subset.select(things: annotationSet(boxes), stuff: nil, protocol: .all)
        func decided(_ seed: UInt64) throws -> [Int] {
            let rules = [Rule(share: 0.3, use: .hard), Rule(share: 0.5, use: .hard)]
            return try Self.plan(rules, seed: seed, of: subset).statistics.rules?.map(\.objects) ?? []
        }
        let counts = try decided(1)
        // Within four standard deviations: of 2000 draws, and of the 1400 that are left.
        #expect(abs(counts[0] - 600) < 82 && abs(counts[1] - 700) < 90 && counts.reduce(0, +) == 2000)
        #expect(try decided(1) == counts)
        #expect(try decided(2) != counts)
    }

    @Test(.enabled(if: CocoData.isThere, "\(CocoData.missing)"))
    func agreesWithBruteForceOnRealAnnotations() throws {
        let text = """
            {"rules":[{"when":{"frequency_below":0.01},"use":"hard"},
            {"when":{"categories":["person","dog"],"area_at_least":0.1},"use":"easy"},
            {"when":{"frequency_at_least":0.02,"area_below":0.05},"use":"hard"}],"otherwise":"easy"}
            """
        let subset = try Subset.select(
            things: AnnotationSet.read(path: CocoData.instances), stuff: nil, protocol: .trainability)
        let rules = try withFile(text) { try MixedRules(file: $0) }
        let plan = try Self.plan(rules.rules, of: subset)
        let file = try JudgeFile.read(CocoData.instances)
        let rows = Dictionary(uniqueKeysWithValues: file.annotations.map { ($0.id, $0) })
        let kept = plan.layouts.flatMap(\.objects).map { rows[$0.annotationID]! }
        let counts = Dictionary(grouping: kept, by: \.category_id).mapValues(\.count)
        let names = Dictionary(uniqueKeysWithValues: file.categories.map { ($0.id, $0.name) })
        let areas = Dictionary(uniqueKeysWithValues: file.images.map { ($0.id, Double($0.width * $0.height)) })
        var expected: [Attribute] = []
        for row in kept {
            let frequency = Double(counts[row.category_id]!) / Double(kept.count)
            let area = row.bbox[2] * row.bbox[3] / areas[row.image_id]!
            if frequency < 0.01 {
                expected.append(.hard)
            } else if ["person", "dog"].contains(names[row.category_id]!), area >= 0.1 {
                expected.append(.easy)
            } else {
                expected.append(frequency >= 0.02 && area < 0.05 ? .hard : .easy)
            }
        }
        #expect(plan.layouts.flatMap { $0.objects.map(\.attribute) } == expected)
        #expect(Set(expected).count == 2 && plan.statistics.rules?.contains { $0.objects == 0 } == false)
    }
}
