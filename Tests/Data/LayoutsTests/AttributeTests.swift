// Equation 2 and the strategies: against brute force on real detections, and case by case.

import Foundation
import Testing

@testable import Layouts

@Suite struct AttributeTests {
    static let object = Box(x: 0, y: 0, width: 10, height: 10)

    static func judge(_ rule: AttributeRule, _ detections: [Detection]) -> Attribute {
        rule.attribute(ofBox: object, categoryID: 1, detections: detections)
    }

    static func detection(_ box: Box = object, category: Int = 1, score: Double = 0.9) -> Detection {
        Detection(imageID: 1, categoryID: category, box: box, score: score)
    }

    @Test func theThresholdsAreAsInEquation2() {
        let half = Box(x: 0, y: 0, width: 10, height: 5)
        let more = Box(x: 0, y: 0, width: 10, height: 5.01)
        #expect(Self.judge(AttributeRule(), []) == .hard)
        #expect(Self.judge(AttributeRule(), [Self.detection(half)]) == .hard)
        #expect(Self.judge(AttributeRule(), [Self.detection(more)]) == .easy)
        #expect(Self.judge(AttributeRule(), [Self.detection(score: 0.3)]) == .easy)
        #expect(Self.judge(AttributeRule(), [Self.detection(score: 0.2999)]) == .hard)
        #expect(Self.judge(AttributeRule(gamma: 0.1), [Self.detection(score: 0.2999)]) == .easy)
    }

    @Test func theClassCountsOnlyWhereAskedFor() {
        #expect(Self.judge(AttributeRule(), [Self.detection(category: 2)]) == .easy)
        #expect(Self.judge(AttributeRule(sameClass: true), [Self.detection(category: 2)]) == .hard)
        #expect(Self.judge(AttributeRule(sameClass: true), [Self.detection(category: 2), Self.detection()]) == .easy)
    }

    @Test func boxesWithoutAreaOverlapNothing() {
        let empty = Box(x: 1, y: 1, width: 0, height: 5)
        #expect(empty.intersectionOverUnion(empty) == 0)
        #expect(empty.intersectionOverUnion(Self.object) == 0)
        #expect(Self.object.intersectionOverUnion(Self.object) == 1)
        #expect(Self.object.intersectionOverUnion(Box(x: 10, y: 0, width: 10, height: 10)) == 0)
    }

    @Test(.enabled(if: CocoData.isThere, "\(CocoData.missing)"), arguments: [false, true])
    func agreesWithBruteForceOnRealDetections(sameClass: Bool) throws {
        let detections = try DetectionSet.read(path: CocoData.efficientDet)
        let subset = try Subset.select(
            things: AnnotationSet.read(path: CocoData.instances), stuff: nil, protocol: .all,
            imageIDs: Array(detections.coveredImages))
        let rule = AttributeRule(gamma: 0.3, beta: 0.5, sameClass: sameClass)
        let source = AttributeSource(detections: detections, rule: rule)
        let plan = try LayoutPlan.make(subset: subset, strategy: .origin, attributes: source)
        let rows = try JudgeFile.read(CocoData.efficientDet, as: [JudgeFile.Detection].self)
        #expect(plan.layouts.count == 10)
        for layout in plan.layouts {
            for object in layout.objects {
                let isFound = rows.contains { row in
                    row.image_id == layout.imageID && row.score >= 0.3
                        && (!sameClass || row.category_id == object.categoryID)
                        && Self.overlap(row.bbox, object.box) > 0.5
                }
                #expect(object.attribute == (isFound ? .easy : .hard))
            }
        }
        let counts = plan.statistics.attributes.map(\.objects)
        #expect(counts[0] > 0 && counts[1] > 0 && counts[2] == 0)
    }

    /// Intersection over union from corners, written once more.
    static func overlap(_ a: [Double], _ b: Box) -> Double {
        let width = max(0, min(a[0] + a[2], b.x + b.width) - max(a[0], b.x))
        let height = max(0, min(a[1] + a[3], b.y + b.height) - max(a[1], b.y))
        return width * height / (a[2] * a[3] + b.width * b.height - width * height)
    }
}

@Suite struct LayoutPlanTests {
    /// Image 1 of the subset has three things and one stuff object; image 2 three things.
    static func subset() throws -> Subset {
        var things = annotationSet(SubsetTests.passing + SubsetTests.passing)
        things.images.append(AnnotatedImage(id: 2, fileName: "2.jpg", width: 100, height: 100))
        for index in 3..<6 { things.annotations[index].imageID = 2 }
        return try Subset.select(
            things: things, stuff: FidelityTests.stuff([FidelityTests.annotation(92)]), protocol: .all)
    }

    static func attributes(_ strategy: Strategy, _ source: AttributeSource? = nil) throws -> [[Attribute]] {
        try LayoutPlan.make(subset: subset(), strategy: strategy, attributes: source).layouts.map {
            $0.objects.map(\.attribute)
        }
    }

    /// The detector found the first object of image 1 and looked at nothing else.
    static let found = DetectionSet([Detection(imageID: 1, categoryID: 1, box: SubsetTests.passing[0], score: 0.8)])

    @Test func hardAndEasyMarkEveryThingAndNoStuff() throws {
        #expect(try Self.attributes(.hard) == [[.hard, .hard, .hard, .background], [.hard, .hard, .hard]])
        #expect(try Self.attributes(.easy) == [[.easy, .easy, .easy, .background], [.easy, .easy, .easy]])
    }

    @Test func originNeedsDetections() {
        let error = #expect(throws: LayoutError.self) { try Self.attributes(.origin) }
        #expect(error?.code == .options)
    }

    @Test func uncoveredImagesFollowThePolicy() throws {
        let error = #expect(throws: LayoutError.self) {
            try Self.attributes(.origin, AttributeSource(detections: Self.found))
        }
        #expect(error?.code == .uncovered)
        #expect(error?.description.contains("all 2 images, found 1 that the detector was not run on (2)") == true)
        let first: [Attribute] = [.easy, .hard, .hard, .background]
        let hard = AttributeSource(detections: Self.found, uncovered: .hard)
        #expect(try Self.attributes(.origin, hard) == [first, [.hard, .hard, .hard]])
        let skip = AttributeSource(detections: Self.found, uncovered: .skip)
        #expect(try Self.attributes(.origin, skip) == [first])
        let statistics = try LayoutPlan.make(subset: Self.subset(), strategy: .origin, attributes: skip).statistics
        #expect(statistics.uncoveredImages == 1)
        #expect(statistics.droppedImages.contains(RuleCount(rule: .uncovered, count: 1)))
        #expect(statistics.droppedAnnotations.last == RuleCount(rule: .imageDropped, count: 3))
    }

    @Test func aListOfDetectedImagesCoversThoseWithoutBoxes() throws {
        let source = AttributeSource(detections: Self.found, detectedImages: [1, 2])
        #expect(try Self.attributes(.origin, source)[1] == [.hard, .hard, .hard])
        let contradicting = AttributeSource(detections: Self.found, detectedImages: [2], uncovered: .hard)
        let error = #expect(throws: LayoutError.self) { try Self.attributes(.origin, contradicting) }
        #expect(error?.description.contains("found 1 missing (1)") == true)
    }

    @Test func aDetectorNamesTheThingsOfTheFileWhateverTheirIDs() throws {
        var things = annotationSet(SubsetTests.passing)
        things.categories = [Category(id: 0, name: "weld"), Category(id: 500, name: "crack")]
        for index in things.annotations.indices { things.annotations[index].categoryID = index % 2 * 500 }
        let subset = try Subset.select(things: things, stuff: nil, protocol: .all)
        let source = AttributeSource(detections: Self.found)
        let plan = try LayoutPlan.make(subset: subset, strategy: .origin, attributes: source)
        #expect(plan.layouts[0].objects.map(\.attribute) == [.easy, .hard, .hard])
    }

    @Test func aSameClassRuleRefusesIDsOfAnotherNumbering() throws {
        func plan(_ detected: Int, _ categories: [Layouts.Category]) throws -> LayoutPlan {
            var things = annotationSet(SubsetTests.passing)
            things.categories = categories
            let box = AttributeTests.object
            let source = AttributeSource(
                detections: DetectionSet([Detection(imageID: 1, categoryID: detected, box: box, score: 1)]),
                rule: AttributeRule(sameClass: true))
            return try LayoutPlan.make(
                subset: Subset.select(things: things, stuff: nil, protocol: .all), strategy: .origin, attributes: source
            )
        }
        let fruit = [Category(id: 1, name: "apple"), Category(id: 2, name: "fig"), Category(id: 3, name: "plum")]
        let error = #expect(throws: LayoutError.self) { try plan(53, fruit) }
        #expect(error?.description.contains("(1 'apple', 2 'fig', 3 'plum'), found 1 others (53)") == true)
        _ = try plan(3, fruit)
        // COCO's detectors name all 80 things, also beside a part of COCO; 12 is none of its ids.
        let part = Array(CocoCategories.things.prefix(2))
        _ = try plan(53, part)
        #expect(throws: LayoutError.self) { try plan(12, part) }
    }

    @Test func statisticsCountWhatThePlanHolds() throws {
        let source = AttributeSource(detections: Self.found, detectedImages: [1, 2])
        let statistics = try LayoutPlan.make(subset: Self.subset(), strategy: .origin, attributes: source).statistics
        #expect(statistics.images == 2)
        #expect(statistics.objects == 7)
        #expect(statistics.categories.prefix(2).map(\.objects) == [3, 3])
        #expect(statistics.categories.reduce(0) { $0 + $1.objects } == 7)
        #expect(statistics.attributes.map(\.objects) == [1, 5, 1])
        #expect(try JSONDecoder().decode(PlanStatistics.self, from: JSONEncoder().encode(statistics)) == statistics)
    }
}
