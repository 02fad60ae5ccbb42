// `detdiffusion-worker detect` on pictures, with a network of a few weights.

import Fixtures
import Foundation
import Testing

@Suite struct DetectCommandTests {
    private static let golden = Surroundings.root + "/Tests/Engine/DetectorsTests/Golden"
    private let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/detect-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/images", withIntermediateDirectories: true)
        try "cat\ndog\nbird\n".write(toFile: folder + "/names.txt", atomically: true, encoding: .utf8)
        let corpus = Surroundings.root + "/Tests/Fuzz/corpus"
        for (source, name) in [("jpeg/baseline.jpg", "000000000007.jpg"), ("png/rgb.png", "shelf-12.png")] {
            try FileManager.default.copyItem(atPath: "\(corpus)/\(source)", toPath: "\(folder)/images/\(name)")
        }
    }

    private func detect(_ arguments: [String] = [], threshold: Double = 0.05) throws -> ProcessResult {
        try Commands().run(
            "worker",
            [
                "detect", "--detector", "yolov4", "--cfg", Self.golden + "/darknet.cfg", "--weights",
                Self.golden + "/darknet.weights", "--images", folder + "/images", "--out", folder + "/results.json",
                "--threshold", "\(threshold)",
            ] + arguments)
    }

    private func removing(_ body: () throws -> Void) rethrows {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body()
    }

    private func results() throws -> [[String: Any]] {
        let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/results.json"))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    }

    @Test func writesCocosResultsAndDrawings() throws {
        try removing {
            let result = try detect(["--names", folder + "/names.txt", "--draw", folder + "/drawn"])
            #expect(result.status == 0, "\(result.errors)")
            let results = try results()
            // The ids of COCO's cat, dog and bird; the images' are the numbers that end their names.
            #expect(!results.isEmpty)
            #expect(Set(results.compactMap { $0["category_id"] as? Int }).isSubset(of: [17, 18, 16]))
            #expect(Set(results.compactMap { $0["image_id"] as? Int }).isSubset(of: [7, 12]))
            #expect(results.allSatisfy { ($0["bbox"] as? [Double])?.count == 4 && $0["score"] is Double })
            let drawn = try FileManager.default.contentsOfDirectory(atPath: folder + "/drawn").sorted()
            #expect(drawn == ["000000000007.png", "shelf-12.png"])
            #expect(result.output.contains("boxes in 2 pictures") && result.errors.contains("2 pictures in"))
        }
    }

    @Test func aPictureThatCannotBeReadIsNamedAndTheOthersAreDone() throws {
        try removing {
            try Data([0xFF, 0xD8, 0xFF]).write(to: URL(fileURLWithPath: folder + "/images/8.jpg"))
            let result = try detect(["--names", folder + "/names.txt"])
            #expect(result.status == 65)
            #expect(result.errors.contains("/images/8.jpg: cannot decode a JPEG"), "\(result.errors)")
            #expect(result.output.contains("1 of 3 pictures left out"))
            #expect(try results().allSatisfy { $0["image_id"] as? Int != 8 })
        }
    }

    @Test func twoPicturesOfOneNameAreNotDrawnOverOneAnother() throws {
        try removing {
            try FileManager.default.copyItem(
                atPath: folder + "/images/shelf-12.png", toPath: folder + "/images/shelf-12.jpeg")
            let set =
                #"{"images":[{"id":1,"file_name":"000000000007.jpg","width":8,"height":8},"#
                + #"{"id":2,"file_name":"shelf-12.png","width":8,"height":8},"#
                + #"{"id":3,"file_name":"shelf-12.jpeg","width":8,"height":8}],"annotations":[],"#
                + #""categories":[{"id":1,"name":"bird"},{"id":2,"name":"cat"},{"id":3,"name":"dog"}]}"#
            try set.write(toFile: folder + "/set.json", atomically: true, encoding: .utf8)
            let options = ["--names", folder + "/names.txt", "--annotations", folder + "/set.json"]
            let result = try detect(options + ["--draw", folder + "/drawn"])
            #expect(result.status == 65 && result.errors.contains("shelf-12.jpeg"), "\(result.errors)")
            #expect(try detect(options).status == 0)
        }
    }

    @Test func annotationsSayTheIdsOfImagesAndCategories() throws {
        try removing {
            let set =
                #"{"images":[{"id":501,"file_name":"000000000007.jpg","width":8,"height":8},"#
                + #"{"id":502,"file_name":"shelf-12.png","width":8,"height":8}],"annotations":[],"#
                + #""categories":[{"id":91,"name":"bird"},{"id":92,"name":"cat"},{"id":93,"name":"dog"}]}"#
            try set.write(toFile: folder + "/set.json", atomically: true, encoding: .utf8)
            let result = try detect(
                ["--names", folder + "/names.txt", "--annotations", folder + "/set.json"], threshold: 0.01)
            #expect(result.status == 0, "\(result.errors)")
            let results = try results()
            #expect(Set(results.compactMap { $0["image_id"] as? Int }) == [501, 502])
            #expect(Set(results.compactMap { $0["category_id"] as? Int }).isSubset(of: [91, 92, 93]))
        }
    }

    @Test func drawingsNeverReplacePictures() throws {
        try removing {
            let picture = URL(fileURLWithPath: folder + "/images/shelf-12.png")
            let before = try Data(contentsOf: picture)
            let result = try detect(["--names", folder + "/names.txt", "--draw", folder + "/images/."])
            #expect(result.status == 64 && result.errors.contains("--draw"), "\(result.errors)")
            #expect(try Data(contentsOf: picture) == before)
        }
    }

    @Test(
        arguments: [
            (["--names", "/nonexistent"], 66, "/nonexistent"), ([], 64, "--names"),
            (["--names", golden + "/requirements.txt"], 65, "expected 3 names"),
            (["--device", "abacus"], 64, "--device"), (["--weights", "/nonexistent"], 66, "/nonexistent"),
            (["--images", "/nonexistent"], 66, "--images"), (["--out", "/nonexistent/r.json"], 73, "/nonexistent"),
            (["--out", golden], 73, "--out"),
        ] as [([String], Int32, String)])
    func whatCannotBeDoneIsOneLine(_ arguments: [String], status: Int32, names: String) throws {
        try removing {
            let result = try detect(arguments)
            #expect(result.status == status && result.errors.contains(names), "\(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1 && result.output.isEmpty)
        }
    }
}
