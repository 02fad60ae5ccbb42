// Reading results files and lists of image ids.

import Foundation
import Testing

@testable import Layouts

@Suite struct DetectionReadingTests {
    static func message(_ text: String) throws -> String {
        let error = #expect(throws: LayoutError.self) { try withFile(text) { try DetectionSet.read(path: $0) } }
        return try #require(error).description
    }

    @Test(
        .enabled(if: CocoData.isThere, "\(CocoData.missing)"), arguments: [CocoData.efficientDet, CocoData.demoResults])
    func agreesWithFoundationOnRealFiles(path: String) throws {
        let set = try DetectionSet.read(path: path)
        let judge = try JudgeFile.read(path, as: [JudgeFile.Detection].self)
        #expect(set.count == judge.count)
        #expect(set.coveredImages == Set(judge.map(\.image_id)))
        for (image, rows) in Dictionary(grouping: judge, by: \.image_id) {
            let found = set.detections(in: image)
            #expect(found.map(\.score) == rows.map(\.score))
            #expect(found.map(\.categoryID) == rows.map(\.category_id))
            #expect(found.map(\.box.numbers) == rows.map(\.bbox))
        }
    }

    @Test func anEmptyListHasNoDetections() throws {
        #expect(try withFile("[]") { try DetectionSet.read(path: $0) }.count == 0)
    }

    @Test func whatRoundingDoesIsTolerated() throws {
        let text = """
            [{"image_id":1,"category_id":1,"bbox":[1,2,3,4],"score":1.0000001192092896},
             {"image_id":1,"category_id":1,"bbox":[64.0,12.5,-0.0001,40],"score":-1e-9},
             {"image_id":1,"category_id":1,"bbox":[5,5,-4,4],"score":0.9}]
            """
        let found = try withFile(text) { try DetectionSet.read(path: $0) }.detections(in: 1)
        #expect(found.map(\.score) == [1, 0, 0.9])
        let object = Box(x: 0, y: 0, width: 64, height: 64)
        #expect(found.map { $0.box.intersectionOverUnion(object) > 0 } == [true, false, false])
    }

    @Test(arguments: [
        ("{\"annotations\":[]}", "expected an array of objects, found an object"), ("[[1]]", "[0]: expected an object"),
        (
            #"[{"image_id":1,"category_id":1,"bbox":[1,2,3,4],"score":87}]"#,
            "[0].score: expected a number from 0 to 1, found the number 87"
        ),
        (#"[{"image_id":1,"category_id":1,"bbox":[1,2,3,4],"score":1.01}]"#, "found the number 1.01"),
        (#"[{"image_id":"1"}]"#, "[0].image_id: expected a whole number, found the string \"1\""),
        (#"[{"image_id":1,"category_id":1,"score":0.5}]"#, "[0]: expected the key \"bbox\""),
        (#"[{"image_id":1"#, "truncated"),
    ])
    func whatIsNotAResultsFileIsRefused(text: String, part: String) throws {
        let message = try Self.message(text)
        #expect(message.contains(part), "\(message)")
    }
}

@Suite struct ImageIDListTests {
    @Test(arguments: ["3\n1\n2\n", " 3 \r\n\r\n1\r\n2", "[3, 1, 2]", "\n [3,\n1,2]\n"])
    func linesAndArraysGiveTheSame(text: String) throws {
        #expect(try withFile(text) { try ImageIDList.read(path: $0) } == [3, 1, 2])
    }

    @Test(arguments: [
        ("3\n000000000139.jpg\n", "line 2: expected a whole number, found '000000000139.jpg'"),
        ("[1, \"2\"]", "JSON array"),
        ("[1, 2", "JSON array"), ("", "at least one"), ("[]", "at least one"),
    ])
    func whatIsNotAListIsRefused(text: String, part: String) throws {
        let error = #expect(throws: LayoutError.self) { try withFile(text) { try ImageIDList.read(path: $0) } }
        #expect(error?.description.contains(part) == true)
    }

    @Test func aMissingFileIsNamed() {
        let error = #expect(throws: LayoutError.self) { try ImageIDList.read(path: "/nonexistent/ids.txt") }
        #expect(error?.description.contains("/nonexistent/ids.txt: No such file") == true)
    }

    @Test(.enabled(if: CocoData.isThere, "\(CocoData.missing)"))
    func theFidelityListHas3097Images() throws {
        let ids = try ImageIDList.read(path: CocoData.fidelityIDs)
        #expect(ids.count == 3097)
        let images = Set(try AnnotationSet.read(path: CocoData.instances).images.map(\.id))
        #expect(ids.filter(images.contains).count == 115)
    }
}
