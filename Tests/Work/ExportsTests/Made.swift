// Made-up jobs, layouts and annotation files for the tests of exports.

import Foundation
import Layouts
import Tasks

@testable import Catalogue
@testable import Exports

enum Made {
    /// A task of image `imageID` with one object a category, in an original of 100x50 pixels.
    static func task(imageID: Int, sample: Int = 0, categories: [Int] = [1, 3]) -> LayoutTask {
        let objects = categories.enumerated().map { index, category in
            LayoutObject(
                annotationID: imageID &* 10 + index, categoryID: category, category: "c\(category)",
                box: Box(x: 10, y: 5, width: 50 + Double(index), height: 20), attribute: index == 0 ? .hard : .easy)
        }
        let layout = Layout(imageID: imageID, fileName: "\(imageID).jpg", width: 100, height: 50, objects: objects)
        return LayoutTask(layout: layout, prompt: "p", sample: sample, seed: 7)
    }

    /// A source without shards.
    static func source(categories: [Layouts.Category] = CocoCategories.things) throws -> ExportSource {
        let specification = """
            {"annotations":"\(String(repeating: "0", count: 64))","bins":{"columns":256,"rows":256},"generator":"sketch",\
            "height":456,"kind":"generate","samples":1,"seed":0,"shardSize":5,"strategy":"hard","subset":"all",\
            "template":"compact","version":1,"width":800}
            """
        let job = RecordedJob(
            id: 1, name: "made", kind: "generate", followUp: .packing, state: "running", specification: specification,
            categories: "[]")
        return ExportSource(
            job: job, specification: try GenerateSpecification(json: specification), categories: categories,
            createdAt: "2020-01-02T03:04:05Z", shards: [], unfinished: [])
    }

    /// Runs `body` with a new folder, which goes afterwards.
    static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("exports-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body(folder)
    }

    static func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    static func read(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }
}
