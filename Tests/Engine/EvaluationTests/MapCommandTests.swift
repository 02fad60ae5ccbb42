// `detdiffusion-evaluate map` as people and programs meet it.

import Fixtures
import Foundation
import Testing

@Suite struct MapCommandTests {
    private let folder: String
    private var truth: String { folder + "/truth.json" }
    private var found: String { folder + "/found.json" }

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/map-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try write(
            #"{"images":[{"id":1,"file_name":"a.png","width":100,"height":100}],"categories":[{"id":7,"name":"cat"}],"#
                + #""annotations":[{"id":1,"image_id":1,"category_id":7,"bbox":[10,10,40,40],"area":1600,"iscrowd":0}]}"#,
            to: truth)
        try write(#"[{"image_id":1,"category_id":7,"bbox":[10,10,40,40],"score":0.9}]"#, to: found)
    }

    private func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    private func map(_ arguments: [String] = []) throws -> ProcessResult {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try Commands().run(
            "evaluate", ["map", "--ground-truth", truth, "--detections", found] + arguments)
    }

    @Test func showsTheFiguresAsTables() throws {
        let result = try map()
        #expect(result.status == 0 && result.errors.isEmpty)
        let lines = result.output.split(separator: "\n").map(String.init)
        #expect(lines.first == "1 images, 1 objects, 1 detections")
        #expect(lines.contains { $0.hasPrefix("AP50") && $0.contains("1.000") })
        #expect(lines.contains { $0.hasPrefix("APl") && $0.contains("-1.000") })
        #expect(lines.contains { $0.hasPrefix("cat ") })
    }

    @Test func givesTheFiguresUnderCocosNames() throws {
        let result = try map(["--json", "--curves"])
        let record = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        for name in ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"] {
            #expect(record[name] is Double || record[name] is Int, "\(name)")
        }
        #expect(record["AR1"] as? Double == 1 && record["APs"] as? Double == -1)
        let category = try #require((record["categories"] as? [[String: Any]])?.first)
        #expect(category["name"] as? String == "cat" && category["id"] as? Int == 7)
        #expect((category["precision"] as? [[Double]])?.map(\.count) == Array(repeating: 101, count: 10))
        #expect((record["recalls"] as? [Double])?.count == 101)
    }

    @Test func detectionsOfOtherImagesAreOneLine() throws {
        try write(#"[{"image_id":2,"category_id":7,"bbox":[10,10,40,40],"score":0.9}]"#, to: found)
        let result = try map()
        #expect(result.status == 65 && result.output.isEmpty)
        #expect(result.errors.contains("found image 2") && result.errors.split(separator: "\n").count == 1)
    }

    @Test(
        arguments: [
            (["--image-ids", "/nonexistent"], 66), (["--curves"], 64), (["--detections", "/nonexistent"], 66),
        ] as [([String], Int32)])
    func wrongOptionsAreOneLine(_ arguments: [String], status: Int32) throws {
        let result = try map(arguments)
        #expect(result.status == status && result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    }
}
