// Ids, frames and categories of exported records.

import Tasks
import Testing

@testable import Exports
@testable import Layouts

@Suite struct CocoRecordTests {
    private static let names = ImageNames(job: "made")

    @Test func idsCountFromOneWithoutARealSet() throws {
        var numbering = try CocoNumbering(Self.names)
        let first = numbering.records(of: Made.task(imageID: 139), shard: 0, width: 800, height: 456)
        let second = numbering.records(of: Made.task(imageID: 139, sample: 1), shard: 0, width: 800, height: 456)
        #expect([first.image.id, second.image.id] == [1, 2])
        #expect((first.annotations + second.annotations).map(\.id) == [1, 2, 3, 4])
        #expect((first.annotations + second.annotations).map(\.image_id) == [1, 1, 2, 2])
        #expect(first.image.file_name == "made-000000000139-0.png")
        #expect(second.image.file_name == "made-000000000139-1.png")
    }

    @Test func idsGoOnAboveTheLargestOnesOfTheRealSet() throws {
        var real = AnnotationSummary()
        real.largestImageID = 581_921
        real.largestAnnotationID = 900_100_002_299
        var numbering = try CocoNumbering(Self.names, after: real)
        let records = numbering.records(of: Made.task(imageID: 9), shard: 2, width: 800, height: 456)
        #expect(records.image.id == 581_922)
        #expect(records.annotations.map(\.id) == [900_100_002_300, 900_100_002_301])
    }

    @Test func realIDsThatLeaveNoRoomAreRefused() throws {
        var real = AnnotationSummary()
        real.largestAnnotationID = 1_234_567_890_123_456_790
        #expect(try CocoNumbering(Self.names, after: real).nextAnnotationID == 1_234_567_890_123_456_791)
        real.largestAnnotationID = .max
        let error = #expect(throws: ExportError.self) { try CocoNumbering(Self.names, after: real) }
        #expect(error?.description.contains("expected annotation ids up to") == true)
    }

    @Test func namesAreTheJobsOwnAndKnownAgain() {
        for (imageID, sample) in [(139, 0), (-5, 12), (0, 3), (1_234_567_890_123_456_790, 0), (Int.min, 999)] {
            let name = Self.names.name(of: Made.task(imageID: imageID, sample: sample))
            #expect(Self.names.contain(name), "\(name)")
            #expect(!ImageNames(job: "other").contain(name))
            #expect(!ImageNames(job: "mad").contain(name))
        }
        for name in [
            "made-holiday.png", "made-139-0.png", "made-000000000139-0.jpg", "made-000000000139-01.png", "139.png",
        ] {
            #expect(!Self.names.contain(name), "\(name)")
        }
    }

    @Test func boxesStandInTheGeneratedFrameWithTheirAreaAndCorners() throws {
        var numbering = try CocoNumbering(Self.names)
        let annotation = numbering.records(of: Made.task(imageID: 9), shard: 0, width: 200, height: 200).annotations[0]
        #expect(annotation.bbox == [20, 20, 100, 80])
        #expect(annotation.area == 8000)
        #expect(annotation.segmentation == [[20, 20, 120, 20, 120, 100, 20, 100]])
        #expect(annotation.attribute == .hard)
        #expect(annotation.source_annotation_id == 90)
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
