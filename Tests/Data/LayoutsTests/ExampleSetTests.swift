// The example set: the same bytes for a seed, and something for every rule.

import Foundation
import Testing

@testable import Layouts

@Suite struct ExampleSetTests {
    @Test func splitMixGivesThePublishedNumbers() {
        // Reference values of splitmix64.c (Vigna) for seed 1234567.
        var generator = SplitMix64(seed: 1_234_567)
        let expected: [UInt64] = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        #expect((0..<3).map { _ in generator.next() } == expected)
    }

    @Test func aSeedGivesOneFile() {
        #expect(ExampleSet.generate(seed: 1) == ExampleSet.generate(seed: 1))
        #expect(ExampleSet.generate(seed: 1) != ExampleSet.generate(seed: 2))
    }

    @Test(arguments: [1, 2, 3, 7, 42, 2026]) func everyRuleDropsSomethingAndMuchIsKept(seed: UInt64) throws {
        let set = try withFile(ExampleSet.generate(seed: seed)) { try AnnotationSet.read(path: $0) }
        #expect(set.images.count == 200)
        #expect(set.categories == CocoCategories.things)
        #expect(Set(set.annotations.map(\.categoryID)).count == 80)
        #expect(set.images.allSatisfy { $0.fileName.count == 16 && $0.fileName.hasSuffix(".jpg") })
        #expect(set.images.contains { min($0.width, $0.height) < 32 })
        let subset = try Subset.select(things: set, stuff: nil, protocol: .trainability)
        for rule in [DropReason.small, .crowd, .degenerate, .outside, .tooFewObjects, .tooManyObjects, .shortSide] {
            #expect(subset.drops.count(of: rule) > 0, "\(rule)")
        }
        #expect(subset.images.count >= 60)
        #expect(subset.images.flatMap(\.objects).contains { $0.box != $0.annotation.box })
        let sizes = Dictionary(grouping: set.annotations, by: \.imageID).mapValues(\.count)
        #expect(sizes.values.max() ?? 0 <= 20 && sizes.count < 200)
    }

    /// A segmentation: polygons, or run lengths with the image's height and width.
    struct File: Decodable {
        enum Segmentation: Decodable {
            case polygons([[Double]])
            case runs(Runs)

            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer()
                self =
                    if let runs = try? value.decode(Runs.self) { .runs(runs) } else {
                        .polygons(try value.decode([[Double]].self))
                    }
            }
        }
        struct Runs: Decodable { var counts, size: [Int] }
        struct Annotation: Decodable { var image_id, iscrowd: Int, area: Double, segmentation: Segmentation }

        var images: [JudgeFile.Image]
        var annotations: [Annotation]
    }

    @Test func segmentationsAreWellFormed() throws {
        let file = try JSONDecoder().decode(File.self, from: Data(ExampleSet.generate(seed: 3)))
        let sides = Dictionary(uniqueKeysWithValues: file.images.map { ($0.id, [$0.height, $0.width]) })
        for annotation in file.annotations {
            switch annotation.segmentation {
            case .polygons(let polygons):
                #expect(annotation.iscrowd == 0)
                #expect(polygons.count == 1 && polygons[0].count == 16)
            case .runs(let runs):
                #expect(annotation.iscrowd == 1)
                #expect(runs.size == sides[annotation.image_id])
                #expect(runs.counts.reduce(0, +) == runs.size[0] * runs.size[1])
                #expect(runs.counts.allSatisfy { $0 >= 0 })
                let covered = runs.counts.indices.filter { $0 % 2 == 1 }.reduce(0) { $0 + runs.counts[$1] }
                #expect(annotation.area == Double(covered))
            }
        }
    }

    @Test func itsDetectionsMakeAPlanOfBothAttributes() throws {
        let things = try withFile(ExampleSet.generate(seed: 1)) { try AnnotationSet.read(path: $0) }
        let bytes = ExampleSet.generateDetections(seed: 1)
        #expect(bytes == ExampleSet.generateDetections(seed: 1))
        let detections = try withFile(bytes) { try DetectionSet.read(path: $0) }
        let subset = try Subset.select(things: things, stuff: nil, protocol: .trainability)
        let plan = try LayoutPlan.make(
            subset: subset, strategy: .origin, attributes: AttributeSource(detections: detections))
        let counts = plan.statistics.attributes.map(\.objects)
        #expect(counts[0] > subset.objectCount / 2 && counts[1] > subset.objectCount / 10)
    }

    @Test func aLargeSetHasExactlyWhatWasAskedFor() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("large-\(UUID().uuidString).json").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try ExampleSet.generateLarge(path: path, seed: 5, images: 301, annotations: 2003)
        let set = try AnnotationSet.read(path: path)
        #expect(set.images.count == 301)
        #expect(set.annotations.map(\.id) == Array(1...2003))
        let error = #expect(throws: LayoutError.self) {
            try ExampleSet.generateLarge(path: "/nonexistent/x.json", seed: 1)
        }
        #expect(error?.description.contains("/nonexistent/x.json") == true)
    }
}
