// Bins, targets and the report of evening out a set.

import Foundation
import Testing

@testable import Layouts

@Suite struct RebalanceTests {
    private static let categories = [
        Category(id: 1, name: "person"), Category(id: 7, name: "dog"), Category(id: 92, name: "banner", isStuff: true),
    ]

    private static func bin(_ rebalance: Rebalance, _ category: Int, area: Double = 1, x: Double = 0, y: Double = 0)
        -> String?
    {
        let bins = ObjectBins(rebalance, categories: categories)
        return bins.bin(category: category, area: area, center: (x, y)).map { bins.names[$0] }
    }

    @Test func objectsAreSortedByCategorySizeAndPosition() {
        #expect(Self.bin(Rebalance(by: .frequency), 7) == "dog")
        #expect(Self.bin(Rebalance(by: .frequency), 92) == nil && Self.bin(Rebalance(by: .size), 92) == nil)
        let areas = [1023.9, 1024, 9215.9, 9216]
        #expect(areas.map { Self.bin(Rebalance(by: .size), 1, area: $0) } == ["small", "medium", "medium", "large"])
        #expect(Self.bin(Rebalance(by: .sizePerCategory), 7, area: 2000) == "dog medium")
        let grid = Rebalance(by: .position, grid: Bins(columns: 4, rows: 2))
        #expect(Self.bin(grid, 1, x: 0, y: 0) == "row 1 column 1" && Self.bin(grid, 1, x: 1, y: 1) == "row 2 column 4")
        #expect(Self.bin(grid, 1, x: 0.25, y: 0.49) == "row 1 column 2")
        #expect(Rebalance(by: .position).grid == Bins(columns: 3, rows: 3) && Rebalance(by: .size).grid == nil)
    }

    @Test func categoriesOfOneNameAreToldApart() {
        let twins = [Category(id: 1, name: "dog"), Category(id: 2, name: "dog"), Category(id: 3, name: "cat")]
        #expect(ObjectBins(Rebalance(by: .frequency), categories: twins).names == ["dog (1)", "dog (2)", "cat"])
    }

    /// A set of 100 x 100 images: category `1` in `persons` images once each, `7` in image 1 `dogs` times.
    private static func set(persons: Int, dogs: Int) -> AnnotationSet {
        let box = Box(x: 10, y: 10, width: 40, height: 40)
        var annotations = (0..<persons).map {
            Annotation(id: $0 + 1, imageID: $0 + 1, categoryID: 1, box: box, area: box.area)
        }
        annotations += (0..<dogs).map {
            Annotation(id: 1000 + $0, imageID: 1, categoryID: 7, box: box, area: 500)
        }
        let images = (0..<max(1, persons)).map {
            AnnotatedImage(id: $0 + 1, fileName: "\($0).jpg", width: 100, height: 100)
        }
        return AnnotationSet(images: images, annotations: annotations, categories: categories)
    }

    private static func shares(_ rebalance: Rebalance, persons: Int, dogs: Int) throws -> [Double] {
        let bins = ObjectBins(rebalance, categories: categories)
        let real = RealCounts(set(persons: persons, dogs: dogs), in: bins)
        return try rebalance.shares(of: bins, real: real, reachable: real.objects.map { $0 > 0 })
    }

    @Test func targetsAreAsDocumented() throws {
        func frequency(_ target: RebalanceTarget?) throws -> [Double] {
            try Self.shares(Rebalance(by: .frequency, target: target), persons: 81, dogs: 9)
        }
        #expect(try frequency(.uniform) == [0.5, 0.5])
        #expect(try frequency(nil) == [0.75, 0.25])
        // Persons are in every image, dogs in one of 81: sqrt(0.25 / (1/81)) = 4.5.
        let repeated = try frequency(.repeatFactor(threshold: 0.25))
        #expect(abs(repeated[0] - 81 / 121.5) < 1e-12 && abs(repeated[1] - 40.5 / 121.5) < 1e-12)
        #expect(try frequency(.repeatFactor(threshold: 0.001)) == [0.9, 0.1])
        #expect(try frequency(.shares(["dog": 0.3])) == [0.7, 0.3])
        #expect(try frequency(.shares(["dog": 0.3, "person": 0.7])) == [0.7, 0.3])
        #expect(try frequency(.shares(["dog": 1])) == [0, 1])
        // Persons are medium, dogs small: within each category its one size has all.
        let sizes = try Self.shares(Rebalance(by: .sizePerCategory), persons: 81, dogs: 9)
        #expect(sizes == [0, 0.9, 0, 0.1, 0, 0])
        #expect(try Self.shares(Rebalance(by: .size), persons: 81, dogs: 9) == [0.5, 0.5, 0])
    }

    @Test(arguments: [
        (["wolf": 0.1], "expected names of bins ('person', 'dog'), found 'wolf'"),
        (["dog": 0.6, "person": 0.6], "expected shares of all bins that add up to 1, found 1.2"),
        (["dog": 0.3, "person": 0.6], "found 0.8999"),
    ])
    func sharesThatDoNotAddUpAreRefused(shares: [String: Double], says: String) throws {
        let error = try #require(throws: LayoutError.self) {
            try Self.shares(Rebalance(by: .frequency, target: .shares(shares)), persons: 81, dogs: 9)
        }
        #expect(error.code == .content && error.description.contains(says), "\(error)")
        #expect(error.description.hasPrefix("cannot use the target: shares: ") && !error.description.contains("\n"))
    }

    @Test func sharesBelowOneNeedABinForTheRest() throws {
        let error = try #require(throws: LayoutError.self) {
            try Self.shares(Rebalance(by: .frequency, target: .shares(["person": 0.5])), persons: 81, dogs: 0)
        }
        #expect(error.description.contains("no other bin has a real object"), "\(error)")
    }

    @Test func aRealSetWithoutObjectsIsRefused() throws {
        let error = try #require(throws: LayoutError.self) {
            try Self.shares(Rebalance(by: .frequency), persons: 0, dogs: 0)
        }
        #expect(error.code == .content && error.description.contains("found none that is trained on"), "\(error)")
    }

    @Test func aTargetFileIsReadStrictly() throws {
        func read(_ text: String) throws -> RebalanceTarget { try withFile(text) { try RebalanceTarget(file: $0) } }
        #expect(try read(#"{"$schema":"x","shares":{"dog":0.25,"a b":0}}"#) == .shares(["dog": 0.25, "a b": 0]))
        for (text, says) in [
            ("{", "byte 1"), ("[1]", "the file: expected a JSON object"),
            ("{}", "shares: expected an object of shares"),
            (#"{"shares":{}}"#, "found '{}'"), (#"{"share":{"dog":1}}"#, "expected the key shares, found 'share'"),
            (#"{"shares":{"dog":1.5}}"#, "shares, 'dog': expected a share from 0 to 1, found '1.5'"),
            (#"{"shares":{"dog":-0.1}}"#, "shares, 'dog'"), (#"{"shares":{"dog":"all"}}"#, "found '\"all\"'"),
            (#"{"shares":{"dog":1e999}}"#, "found 'Infinity'"),
            (#"{"shares":{"dog":0.1,"dog":0.2}}"#, "key 'shares.dog': expected each key once"),
        ] {
            let error = try #require(throws: LayoutError.self) { try read(text) }
            #expect(error.code == .content && error.description.contains(says), "\(text): \(error)")
            #expect(error.description.hasPrefix("cannot use the target of ") && !error.description.contains("\n"))
        }
        let missing = try #require(throws: LayoutError.self) { try RebalanceTarget(file: "/does/not/exist") }
        #expect(missing.code == .file)
    }

    @Test func requestsSurviveTheirJSON() throws {
        for target: RebalanceTarget in [
            .uniform, .squareRoot, .repeatFactor(threshold: 0.01), .shares(["a": 0.5, "b c": 0.25]),
        ] {
            let request = Rebalance(by: .position, grid: Bins(columns: 5, rows: 4), target: target, maximumRepeats: 3)
            #expect(try JSONDecoder().decode(Rebalance.self, from: JSONEncoder().encode(request)) == request)
        }
    }
}

@Suite(.enabled(if: CocoData.isThere, "\(CocoData.missing)"))
struct RebalancePlanTests {
    private static func plan(_ rebalance: Rebalance, limit: Int = 60) throws -> (plan: RebalancePlan, layouts: [Layout])
    {
        let set = try AnnotationSet.read(path: CocoData.instances)
        let subset = try Subset.select(things: set, stuff: nil, protocol: .trainability, frame: (800, 456))
        let layouts = try LayoutPlan.make(subset: subset, strategy: .hard, attributes: nil).layouts
        let plan = try RebalancePlan(
            rebalance, layouts: layouts, real: set, categories: set.categories, frame: (800, 456), limit: limit)
        return (plan, layouts)
    }

    /// Bins by code that shares nothing with the module, of the real file and of the images that were chosen.
    private static func bruteForce(_ picks: [LayoutPick], _ layouts: [Layout], _ name: (JudgedObject) -> String) throws
        -> (
            real: [String: Int], generated: [String: Int]
        )
    {
        let file = try JudgeFile.read(CocoData.instances)
        let names = Dictionary(uniqueKeysWithValues: file.categories.map { ($0.id, $0.name) })
        let images = Dictionary(uniqueKeysWithValues: file.images.map { ($0.id, $0) })
        var (real, generated): ([String: Int], [String: Int]) = ([:], [:])
        for row in file.annotations where row.iscrowd == 0 && row.area > 0 && row.bbox[2] >= 1 && row.bbox[3] >= 1 {
            let image = images[row.image_id]!
            let object = JudgedObject(
                category: names[row.category_id]!, area: row.area,
                x: (row.bbox[0] + row.bbox[2] / 2) / Double(image.width),
                y: (row.bbox[1] + row.bbox[3] / 2) / Double(image.height))
            real[name(object), default: 0] += 1
        }
        for layout in picks.map({ layouts[$0.layout] }) {
            let (scaleX, scaleY) = (800 / Double(layout.width), 456 / Double(layout.height))
            for object in layout.objects {
                let judged = JudgedObject(
                    category: object.category, area: object.box.width * scaleX * object.box.height * scaleY,
                    x: (object.box.x + object.box.width / 2) * scaleX / 800,
                    y: (object.box.y + object.box.height / 2) * scaleY / 456)
                generated[name(judged), default: 0] += 1
            }
        }
        return (real, generated)
    }

    private struct JudgedObject {
        var category: String
        var area, x, y: Double

        var size: String { area < 32 * 32 ? "small" : area < 96 * 96 ? "medium" : "large" }
        var cell: String { "row \(1 + min(2, Int(y * 3))) column \(1 + min(2, Int(x * 3)))" }
    }

    @Test(arguments: Rebalance.Dimension.allCases)
    func theReportAgreesWithBruteForce(by: Rebalance.Dimension) throws {
        let (plan, layouts) = try Self.plan(Rebalance(by: by, maximumRepeats: 4))
        let report = plan.report
        let expected = try Self.bruteForce(plan.picks, layouts) { object in
            switch by {
            case .frequency: object.category
            case .size: object.size
            case .sizePerCategory: "\(object.category) \(object.size)"
            case .position: object.cell
            }
        }
        for bin in report.bins {
            #expect(bin.real == expected.real[bin.name, default: 0], "\(bin.name)")
            #expect(bin.generated == expected.generated[bin.name, default: 0], "\(bin.name)")
        }
        #expect(report.bins.reduce(0) { $0 + $1.real } == expected.real.values.reduce(0, +))
        #expect(report.images == plan.picks.count && report.images > 0 && report.mostRepeats <= 4)
        #expect(report.distanceAfter < report.distanceBefore)
        for shares in [report.bins.map(\.realShare), report.bins.map(\.mergedShare), report.bins.map(\.target)] {
            #expect(abs(shares.reduce(0, +) - 1) < 1e-9)
        }
    }

    @Test func theSameRequestIsTheSamePlanAndALimitItsBeginning() throws {
        let request = Rebalance(by: .frequency)
        let plan = try Self.plan(request, limit: 90).plan
        #expect(try Self.plan(request, limit: 90).plan.picks == plan.picks)
        #expect(try Self.plan(request, limit: 30).plan.picks == Array(plan.picks.prefix(30)))
        #expect(plan.report.reachedLimit && Set(plan.picks).count == 90)
    }

    @Test func binsThatNoLayoutCanFillAreRemarked() throws {
        let plan = try Self.plan(Rebalance(by: .size, target: .shares(["small": 0.9]))).plan
        #expect(plan.picks.isEmpty && plan.report.distanceAfter == plan.report.distanceBefore)
        #expect(plan.report.remarks.map(\.text) == ["no layout has an object of 'small' that should have more"])
    }
}
