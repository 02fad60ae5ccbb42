// Ids, frames and categories of exported records.

import Tasks
import Testing

@testable import Exports
@testable import Layouts

@Suite struct CocoRecordTests {
    @Test func idsCountFromOneWithoutARealSet() {
        var numbering = CocoNumbering()
        let first = numbering.records(of: Made.task(imageID: 139), shard: 0, width: 800, height: 456)
        let second = numbering.records(of: Made.task(imageID: 139, sample: 1), shard: 0, width: 800, height: 456)
        #expect([first.image.id, second.image.id] == [1, 2])
        #expect((first.annotations + second.annotations).map(\.id) == [1, 2, 3, 4])
        #expect((first.annotations + second.annotations).map(\.image_id) == [1, 1, 2, 2])
        #expect(first.image.file_name == "images/000000000139-0.png")
        #expect(second.image.file_name == "images/000000000139-1.png")
    }

    @Test func idsGoOnAboveTheLargestOnesOfTheRealSet() {
        var real = AnnotationSummary()
        real.largestImageID = 581_921
        real.largestAnnotationID = 900_100_002_299
        var numbering = CocoNumbering(after: real)
        let records = numbering.records(of: Made.task(imageID: 9), shard: 2, width: 800, height: 456)
        #expect(records.image.id == 581_922)
        #expect(records.annotations.map(\.id) == [900_100_002_300, 900_100_002_301])
    }

    @Test func boxesStandInTheGeneratedFrameWithTheirAreaAndCorners() {
        var numbering = CocoNumbering()
        let annotation = numbering.records(of: Made.task(imageID: 9), shard: 0, width: 200, height: 200).annotations[0]
        #expect(annotation.bbox == [20, 20, 100, 80])
        #expect(annotation.area == 8000)
        #expect(annotation.segmentation == [[20, 20, 120, 20, 120, 100, 20, 100]])
        #expect(annotation.attribute == .hard)
        #expect(annotation.source_annotation_id == 90)
    }

    @Test func subsetsOfCocoExportAllEightyThingsInCocoOrderThenTheirStuff() {
        let stuff = Layouts.Category(id: 145, name: "playingfield", isStuff: true)
        let recorded = [CocoCategories.things[5], stuff, CocoCategories.things[0]]
        #expect(ExportSource.exported(categories: recorded) == CocoCategories.things + [stuff])
    }

    @Test func categoriesOfOtherDataSetsStayAsRecorded() {
        let recorded = [Layouts.Category(id: 7, name: "weld"), Layouts.Category(id: 1, name: "person")]
        #expect(ExportSource.exported(categories: recorded) == recorded)
    }

    @Test(arguments: [(24, 3), (3, 3), (4, 100), (1, 9), (5, 0)])
    func spreadPicksDistinctPlacesInOrder(count: Int, total: Int) {
        let places = EvenSpread.indices(count, of: total)
        #expect(places.count == min(count, total))
        #expect(zip(places, places.dropFirst()).allSatisfy { $0 < $1 })
        #expect(places.allSatisfy { (0..<max(total, 1)).contains($0) })
        if count > 1, total > 1 { #expect(places.first == 0 && places.last == total - 1) }
    }

    @Test func bracesNameConsecutiveArchives() {
        #expect(WebDatasetExport.braces("job", count: 5) == "job-{000000..000004}.tar")
        #expect(WebDatasetExport.braces("job", count: 1) == "job-{000000..000000}.tar")
    }
}
