// Merging with a real set: its bytes stay, ours follow.

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
            let summary = try AnnotationSummary.read(path: path)
            let records = try RecordFragments(in: folder, numbering: CocoNumbering(after: summary))
            for number in 0..<tasks {
                try records.append(Made.task(imageID: 9 + number, categories: [1]), shard: 0, width: 200, height: 100)
            }
            try records.finish()
            let file = AnnotationFile(source: try Made.source(), real: (.init(path: path, prefix: prefix), summary))
            try file.write(to: "\(folder)/out.json", records: records)
            return try Made.read("\(folder)/out.json")
        }
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
        let object = try #require(try JSONSerialization.jsonObject(with: Data(merged.utf8)) as? [String: Any])
        let names = (object["images"] as? [[String: Any]])?.compactMap { $0["file_name"] as? String }
        #expect(names == ["/data/\"x\"/aé.jpg", "/data/\"x\"/b]\\.jpg", "images/000000000009-0.png"])
        #expect((object["info"] as? [String: Any])?["file_name"] as? String == "no")
    }

    @Test(arguments: [1, 2, 3, 7, 64])
    func piecesOfAnySizeGiveTheSameBytes(size: Int) {
        let bytes = Array(Self.real.utf8)
        func copy(_ size: Int) -> [UInt8] {
            var splicer = AnnotationSplicer(fileNamePrefix: "p/")
            var output: [UInt8] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                let piece = Array(bytes[start..<min(start + size, bytes.count)])
                var position = 0
                while let stop = splicer.advance(through: piece, from: &position, into: &output) {
                    output += Array("<\(stop)>".utf8)
                }
            }
            #expect(splicer.prefixedNames == 2)
            return output
        }
        #expect(copy(size) == copy(bytes.count))
    }

    @Test func keysWrittenWithEscapesAreRefused() throws {
        let error = #expect(throws: ExportError.self) {
            try Self.merged(#"{"im\u0061ges":[],"annotations":[],"categories":[]}"#)
        }
        #expect(error?.code == .refused)
        #expect(error?.description.contains("1 of 2 lists") == true)
    }

    @Test func summariesCountAndFindTheLargestIDs() throws {
        try Made.withFolder { folder in
            try Made.write(Self.real, to: "\(folder)/real.json")
            let summary = try AnnotationSummary.read(path: "\(folder)/real.json")
            #expect(summary.images == 2 && summary.annotations == 1)
            #expect(summary.largestImageID == 7 && summary.largestAnnotationID == 41)
            #expect(summary.categories == [Layouts.Category(id: 1, name: "person")])
        }
    }
}
