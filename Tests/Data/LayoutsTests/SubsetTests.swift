// The subset rules: the known answer on real data, a brute-force check, and each rule at its border.

import Foundation
import Testing

@testable import Layouts

@Suite struct SubsetTests {
    /// Three boxes that pass every rule in an image of 100 x 100.
    static let passing = [10.0, 30, 50].map { Box(x: $0, y: 5, width: 20, height: 20) }

    static func select(_ set: AnnotationSet) throws -> Subset {
        try Subset.select(things: set, stuff: nil, protocol: .trainability)
    }

    @Test(.enabled(if: CocoData.isThere, "\(CocoData.missing)"))
    func theRealSubsetHas86ImagesAnd386Objects() throws {
        let set = try AnnotationSet.read(path: CocoData.instances)
        let subset = try Self.select(set)
        #expect(subset.images.count == 86)
        #expect(subset.objectCount == 386)
        let drops = subset.drops
        #expect(drops.annotations.reduce(0) { $0 + $1.count } + 386 == set.annotations.count)
        #expect(drops.images.reduce(0) { $0 + $1.count } + 86 == set.images.count)
        #expect(drops.annotations.map(\.rule) == DropReason.ofAnnotations)
        #expect(drops.images.map(\.rule) == DropReason.ofImages)
    }

    @Test(.enabled(if: CocoData.isThere, "\(CocoData.missing)"), arguments: [true, false])
    func agreesWithBruteForce(onRealData: Bool) throws {
        let path = CocoData.instances
        let subset: Subset
        let judge: [Int: [Int]]
        if onRealData {
            subset = try Self.select(AnnotationSet.read(path: path))
            judge = try Self.bruteForce(path)
        } else {
            let example = ExampleSet.generate(seed: 11)
            subset = try withFile(example) { try Self.select(AnnotationSet.read(path: $0)) }
            judge = try withFile(example) { try Self.bruteForce($0) }
        }
        let kept = Dictionary(
            uniqueKeysWithValues: subset.images.map { ($0.image.id, $0.objects.map(\.annotation.id)) })
        #expect(kept == judge)
    }

    /// The rules of the method written once more, on Foundation's decoding, image by image.
    static func bruteForce(_ path: String) throws -> [Int: [Int]] {
        let file: JudgeFile = try JudgeFile.read(path)
        var kept: [Int: [Int]] = [:]
        for image in file.images {
            let width = Double(image.width)
            let height = Double(image.height)
            let ids = file.annotations.filter { annotation in
                let box = annotation.bbox
                let meets =
                    min(box[0] + box[2], width) > max(box[0], 0) && min(box[1] + box[3], height) > max(box[1], 0)
                return annotation.image_id == image.id && box[2] * box[3] / (width * height) > 0.02
                    && annotation.iscrowd != 1 && box[2] >= 1 && box[3] >= 1 && annotation.area > 0 && meets
            }
            if (3...8).contains(ids.count), min(width, height) >= 32 { kept[image.id] = ids.map(\.id) }
        }
        return kept
    }

    @Test func twoPercentIsNotEnough() throws {
        let border = Box(x: 0, y: 0, width: 10, height: 20)
        let above = Box(x: 0, y: 0, width: 10, height: 20.01)
        #expect(try Self.select(annotationSet(Self.passing + [border])).objectCount == 3)
        #expect(try Self.select(annotationSet(Self.passing + [border])).drops.count(of: .small) == 1)
        #expect(try Self.select(annotationSet(Self.passing + [above])).objectCount == 4)
    }

    @Test func rulesSeeTheBoxThatIsExported() throws {
        let mostlyOutside = Box(x: 99, y: 10, width: 50, height: 50)
        let subset = try Self.select(annotationSet(Self.passing + [mostlyOutside]))
        #expect(subset.drops.count(of: .small) == 1, "one pixel of fifty is left")
        let halfOutside = Box(x: 90, y: 10, width: 50, height: 50)
        let kept = try Self.select(annotationSet(Self.passing + [halfOutside]))
        #expect(kept.images[0].objects[3].box == Box(x: 90, y: 10, width: 10, height: 50))
        #expect(kept.images[0].objects[3].annotation.box == halfOutside)
    }

    @Test(arguments: [(50, 1), (49, 0), (100, 1)])
    func aBoxHasAPixelOfTheGeneratedImage(side: Int, kept: Int) throws {
        // Two pixels wide, and a half outside with four: one pixel each at half the size.
        let image = AnnotatedImage(id: 1, fileName: "1.jpg", width: 100, height: 100)
        for box in [Box(x: 5, y: 5, width: 2, height: 20), Box(x: 98, y: 5, width: 4, height: 20)] {
            let subset = try Subset.select(
                things: annotationSet([box], image: image), stuff: nil, protocol: .all, frame: (side, 200))
            #expect(subset.objectCount == kept)
            #expect(subset.drops.count(of: .subpixel) == 1 - kept)
        }
    }

    @Test func aClassNamedOtherIsAClassOfThings() throws {
        var set = annotationSet(Self.passing)
        set.categories = [Category(id: 1, name: "can"), Category(id: 2, name: "other")]
        #expect(try Self.select(set).objectCount == 3)
    }

    @Test(arguments: [(2, 0), (3, 1), (8, 1), (9, 0)]) func threeToEightObjectsAreKept(count: Int, images: Int) throws {
        let subset = try Self.select(annotationSet(Array(repeating: Self.passing[0], count: count)))
        #expect(subset.images.count == images)
        #expect(subset.drops.count(of: .tooFewObjects) == (count < 3 ? 1 : 0))
        #expect(subset.drops.count(of: .tooManyObjects) == (count > 8 ? 1 : 0))
        #expect(subset.drops.count(of: .imageDropped) == (images == 0 ? count : 0))
    }

    @Test(arguments: [(31, 0), (32, 1)]) func aShortSideDropsTheImage(side: Int, images: Int) throws {
        let image = AnnotatedImage(id: 1, fileName: "1.jpg", width: 100, height: side)
        let subset = try Self.select(annotationSet(Self.passing, image: image))
        #expect(subset.images.count == images)
        #expect(subset.drops.count(of: .shortSide) == 1 - images)
    }

    @Test func eachAnnotationIsCountedUnderItsFirstRule() throws {
        var set = annotationSet(Self.passing + Array(repeating: Box(x: 1, y: 1, width: 30, height: 30), count: 6))
        set.annotations[3].isCrowd = true
        set.annotations[3].area = 0
        set.annotations[4].isIgnored = true
        set.annotations[5].area = 0
        set.annotations[6].box.x = 100
        set.annotations[7].box.width = -30
        set.annotations[7].isCrowd = true
        set.annotations[8].box.height = 0.5
        let drops = try Self.select(set).drops
        let counts = [DropReason.degenerate, .outside, .crowd, .ignored, .withoutArea].map { drops.count(of: $0) }
        #expect(counts == [2, 1, 1, 1, 1])
        #expect(drops.annotations.reduce(0) { $0 + $1.count } == 6)
    }

    @Test func aThinBoxIsDegenerate() throws {
        let image = AnnotatedImage(id: 1, fileName: "1.jpg", width: 32, height: 32)
        let thin = Box(x: 1, y: 0, width: 0.99, height: 32)
        let subset = try Self.select(annotationSet(Self.passing + [thin], image: image))
        #expect(subset.drops.count(of: .degenerate) == 1)
    }

    @Test func allKeepsEveryValidObject() throws {
        var set = annotationSet(
            Self.passing + [Box(x: 1, y: 1, width: 2, height: 2), Box(x: 1, y: 1, width: 0, height: 2)])
        set.annotations[0].isCrowd = true
        set.images.append(AnnotatedImage(id: 2, fileName: "2.jpg", width: 9, height: 9))
        let subset = try Subset.select(things: set, stuff: nil, protocol: .all)
        #expect(subset.images.map(\.image.id) == [1])
        #expect(subset.images[0].objects.map(\.annotation.id) == [2, 3, 4])
        #expect(subset.drops.count(of: .tooFewObjects) == 1)
    }

    @Test func aListOfImagesRestrictsAndCounts() throws {
        var set = annotationSet(Self.passing)
        set.images.append(AnnotatedImage(id: 2, fileName: "2.jpg", width: 100, height: 100))
        let subset = try Subset.select(things: set, stuff: nil, protocol: .all, imageIDs: [1, 1])
        #expect(subset.images.map(\.image.id) == [1])
        #expect(subset.drops.count(of: .notListed) == 1)
        let error = #expect(throws: LayoutError.self) {
            try Subset.select(things: set, stuff: nil, protocol: .all, imageIDs: [7, 1, 8])
        }
        #expect(error?.code == .missingImages)
        #expect(error?.description.contains("found 2 of 3 missing (7, 8)") == true)
    }
}

@Suite struct FidelityTests {
    static let stuffImage = AnnotatedImage(id: 1, fileName: "1.jpg", width: 100, height: 100)

    static func stuff(_ annotations: [Annotation], images: [AnnotatedImage] = [stuffImage]) -> AnnotationSet {
        AnnotationSet(
            images: images, annotations: annotations,
            categories: CocoCategories.stuff + [Category(id: 183, name: "other", isStuff: true)])
    }

    static func annotation(_ category: Int, image: Int = 1) -> Annotation {
        Annotation(id: 900 + category, imageID: image, categoryID: category, box: SubsetTests.passing[0], area: 10)
    }

    @Test func stuffFollowsThingsAndOtherIsLeftOut() throws {
        let stuff = Self.stuff([Self.annotation(183), Self.annotation(92), Self.annotation(100, image: 55)])
        let subset = try Subset.select(things: annotationSet(SubsetTests.passing), stuff: stuff, protocol: .fidelity)
        #expect(subset.images[0].objects.map(\.category.id) == [1, 2, 1, 92])
        #expect(subset.drops.count(of: .other) == 1)
        #expect(subset.drops.count(of: .unknownImage) == 1)
    }

    @Test func anImageNeedsAnyStuffAnnotation() throws {
        var things = annotationSet(SubsetTests.passing)
        #expect(
            try Subset.select(things: things, stuff: Self.stuff([Self.annotation(183)]), protocol: .fidelity).images
                .count == 1)
        things.images.append(AnnotatedImage(id: 2, fileName: "2.jpg", width: 100, height: 100))
        let subset = try Subset.select(things: things, stuff: Self.stuff([]), protocol: .fidelity)
        #expect(subset.images.isEmpty)
        #expect(subset.drops.count(of: .withoutStuff) == 2)
    }

    @Test func inputsThatContradictTheProtocolAreRefused() {
        let things = annotationSet(SubsetTests.passing)
        #expect(throws: LayoutError.self) { try Subset.select(things: things, stuff: nil, protocol: .fidelity) }
        #expect(throws: LayoutError.self) {
            try Subset.select(things: things, stuff: Self.stuff([]), protocol: .trainability)
        }
        #expect(throws: LayoutError.self) { try Subset.select(things: things, stuff: things, protocol: .fidelity) }
        let other = AnnotatedImage(id: 1, fileName: "1.jpg", width: 100, height: 90)
        let error = #expect(throws: LayoutError.self) {
            try Subset.select(things: things, stuff: Self.stuff([], images: [other]), protocol: .fidelity)
        }
        #expect(error?.description.contains("image 1 is 100x100 in the things file, found 100x90") == true)
    }

    @Test(.enabled(if: CocoData.isThere, "\(CocoData.missing)"))
    func realStuffFilesAreSelectedByThe2PercentRule() throws {
        let stuff = try AnnotationSet.read(path: CocoData.stuff, isStuff: true)
        let things = AnnotationSet(images: stuff.images, annotations: [], categories: CocoCategories.things)
        let subset = try Subset.select(things: things, stuff: stuff, protocol: .fidelity)
        let sizes = Dictionary(uniqueKeysWithValues: stuff.images.map { ($0.id, Double($0.width * $0.height)) })
        let kept = stuff.annotations.filter {
            $0.box.area / (sizes[$0.imageID] ?? 1) > 0.02 && $0.categoryID != 183 && $0.box.width >= 1
                && $0.box.height >= 1
        }
        let byImage = Dictionary(grouping: kept, by: \.imageID).filter { (3...8).contains($0.value.count) }
        #expect(subset.images.map(\.image.id) == stuff.images.map(\.id).filter { byImage[$0] != nil })
        #expect(subset.objectCount == byImage.values.reduce(0) { $0 + $1.count })
    }
}
