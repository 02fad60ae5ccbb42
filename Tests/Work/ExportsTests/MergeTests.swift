// Merging with a real set: its bytes stay, ours follow.

import Files
import Foundation
import Layouts
import Testing

@testable import Exports

@Suite struct MergeTests {
    /// Odd spacing, odd numbers, brackets in strings, keys of ours in other places.
    static let real = """
        {"info" : {"images": "a [ \\" ] }", "file_name":"no"}, "licenses":[{"id":1,"name":"x"}],
         "images":[ {"license":4,"file_name":"a\\u00e9.jpg","id":7,"width":10,"height":20, "tags":["file_name","b"]},
          {"id":3,"file_name" : "b]\\\\.jpg","height":5,"width":6}
         ],
         "annotations" : [{"segmentation":[[1.50,2E0,3.000]],"bbox":[0.10,1,2,3.00],"id":41,"image_id":7,
          "category_id":1,"iscrowd":1,"area":0.30000000000000004}],
         "categories":[{"supercategory":"person","id":1,"name":"person"}]}
        """

    /// Merges `text` with one generated image and gives back the file.
    static func merged(_ text: String, prefix: String = "", tasks: Int = 1) throws -> String {
        try Made.withFolder { folder in
            let path = "\(folder)/real.json"
            try Made.write(text, to: path)
            let names = ImageNames(job: "made")
            let open = try Folder(path: folder)
            let real = try RealSetCopy(
                of: .init(path: path, prefix: prefix), in: open, isTaken: names.contain)
            // What was read is what is merged, whatever becomes of the file.
            try Made.write("{}", to: path)
            let records = try RecordFragments(in: open, numbering: CocoNumbering(names, after: real.summary))
            for number in 0..<tasks {
                try records.append(Made.task(imageID: 9 + number, categories: [1]), shard: 0, width: 200, height: 100)
            }
            try records.finish()
            try AnnotationFile(source: try Made.source(), real: real).write(as: "out.json", in: open, records: records)
            return try Made.read("\(folder)/out.json")
        }
    }

    /// The file names of a merged file, in its order.
    static func names(_ merged: String) throws -> [String] {
        let object = try #require(try JSONSerialization.jsonObject(with: Data(merged.utf8)) as? [String: Any])
        return try #require(object["images"] as? [[String: Any]]).compactMap { $0["file_name"] as? String }
    }

    @Test func realBytesPassThroughUnchangedAndOursFollow() throws {
        let merged = try Self.merged(Self.real)
        let lines = merged.components(separatedBy: "\n")
        let ours = lines.filter { $0.contains("source_") }
        #expect(ours.count == 2)
        #expect(ours[0].contains("\"id\":8,") && ours[1].contains("\"id\":42,"))
        // Without what was added, the real file is there byte by byte.
        var rest = merged
        for line in ours {
            // The bracket that closes the list stands behind the last record.
            let record = line.prefix(through: try #require(line.lastIndex(of: "}")))
            rest = rest.replacingOccurrences(of: ",\n\(record)", with: "")
        }
        #expect(rest == Self.real)
        _ = try JSONSerialization.jsonObject(with: Data(merged.utf8))
    }

    @Test func emptyListsTakeTheFirstRecordWithoutAComma() throws {
        let merged = try Self.merged(
            #"{"categories":[{"id":1,"name":"person"}],"annotations":[ ],"images":[]}"#, tasks: 2)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(merged.utf8)) as? [String: Any])
        #expect((object["images"] as? [Any])?.count == 2)
        #expect((object["annotations"] as? [Any])?.count == 2)
    }

    @Test func thePrefixGoesBeforeRealFileNamesOnly() throws {
        let merged = try Self.merged(Self.real, prefix: "/data/\"x\"/")
        #expect(
            try Self.names(merged) == ["/data/\"x\"/aé.jpg", "/data/\"x\"/b]\\.jpg", "made-000000000009-0.png"])
        let object = try #require(try JSONSerialization.jsonObject(with: Data(merged.utf8)) as? [String: Any])
        #expect((object["info"] as? [String: Any])?["file_name"] as? String == "no")
    }

    @Test func absoluteNamesAndURLsStayAsTheyAre() throws {
        let names = [
            "/mnt/set/1.jpg", "\\/mnt\\/set\\/1.jpg", "https://a.example/3.jpg", "s3:\\/\\/bucket\\/3.jpg",
            "C:\\\\a.jpg",
            "\\\\\\\\nas\\\\a.jpg", "train\\\\sub\\\\2.jpg", "../5.jpg", "déjà/猫 4.jpg",
        ]
        let images = names.enumerated().map {
            #"{"id":\#($0.offset),"file_name":"\#($0.element)","width":9,"height":9}"#
        }
        let text = #"{"images":[\#(images.joined(separator: ","))],"annotations":[],"categories":[]}"#
        #expect(
            try Self.names(try Self.merged(text, prefix: "real")).dropLast() == [
                "/mnt/set/1.jpg", "/mnt/set/1.jpg", "https://a.example/3.jpg", "s3://bucket/3.jpg", "C:\\a.jpg",
                "\\\\nas\\a.jpg", "real/train\\sub\\2.jpg", "real/../5.jpg", "real/déjà/猫 4.jpg",
            ])
    }

    @Test(arguments: [("made-000000000009-0.png", ""), ("./made-000000000009-0.png", ""), ("9-0.png", "x")])
    func noNameIsGivenToTwoImages(name: String, prefix: String) throws {
        func merge(_ name: String, prefix: String) throws -> [String] {
            let image = #"{"id":1,"file_name":"\#(name)","width":9,"height":9}"#
            return try Self.names(
                Self.merged(#"{"images":[\#(image)],"annotations":[],"categories":[]}"#, prefix: prefix))
        }
        if prefix.isEmpty {
            let error = #expect(throws: ExportError.self) { try merge(name, prefix: prefix) }
            #expect(error?.code == .refused && error?.description.contains("found '\(name)'") == true)
            #expect(try merge(name, prefix: "earlier").count == 2, "another folder makes it another file")
        }
        // Another job of the same set is no contradiction.
        #expect(Set(try merge("other-000000000009-0.png", prefix: "")).count == 2)
    }

    @Test func namesThatAreMissingOrNullAreNobodys() throws {
        let images =
            #"{"id":1,"coco_url":"http://a/b.jpg","width":9,"height":9},{"id":2,"file_name":null,"coco_url":"c.jpg","width":9,"height":9}"#
        let text = #"{"images":[\#(images)],"annotations":[],"categories":[{"id":1,"name":"a"}]}"#
        #expect(try Self.names(Self.merged(text, prefix: "real")) == ["made-000000000009-0.png"])
        #expect(try Self.merged(text, prefix: "real").contains(#""coco_url":"c.jpg""#))
    }

    @Test(arguments: [1, 2, 3, 7, 64])
    func piecesOfAnySizeGiveTheSameBytes(size: Int) {
        let bytes = Array(Self.real.utf8)
        func copy(_ size: Int) -> [UInt8] {
            var splicer = AnnotationSplicer()
            var output: [UInt8] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                let piece = Array(bytes[start..<min(start + size, bytes.count)])
                var position = 0
                while let stop = splicer.advance(through: piece, count: piece.count, from: &position, into: &output) {
                    output += Array("<\(stop)>".utf8)
                }
            }
            return output
        }
        #expect(copy(size) == copy(bytes.count))
        #expect(String(decoding: copy(size), as: UTF8.self).components(separatedBy: "<fileName(").count == 3)
    }

    @Test func keysWrittenWithEscapesAreRefused() throws {
        let error = #expect(throws: ExportError.self) {
            try Self.merged(#"{"im\u0061ges":[],"annotations":[],"categories":[]}"#)
        }
        #expect(error?.code == .refused)
        #expect(error?.description.contains("1 of 2 lists") == true)
    }

    @Test func summariesCountAndFindTheLargestIDs() throws {
        let bytes = Array(Self.real.utf8)
        for size in [1, 50, bytes.count] {
            let reader = AnnotationSummary.Reader(path: "real.json")
            for start in stride(from: 0, to: bytes.count, by: size) {
                let piece = Array(bytes[start..<min(start + size, bytes.count)])
                try reader.feed(piece, count: piece.count)
            }
            let summary = try reader.finish()
            #expect(summary.images == 2 && summary.annotations == 1 && summary.namedImages == 2)
            #expect(summary.largestImageID == 7 && summary.largestAnnotationID == 41)
            #expect(summary.categories == [Layouts.Category(id: 1, name: "person", supercategory: "person")])
        }
    }
}
