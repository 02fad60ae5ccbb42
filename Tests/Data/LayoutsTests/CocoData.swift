// Where the tests find real COCO annotations, and files of their own.

import Fixtures
import Foundation

@testable import Layouts

/// Real COCO text data, where it is.
enum CocoData {
    static let folder = Surroundings.coco ?? ""

    static var isThere: Bool { Surroundings.coco != nil }
    static let instances = folder + "/instances_val2017_subset.json"
    static let demo = folder + "/instances_val2014_100img_gts_bbox_area.json"
    static let demoResults = folder + "/instances_val2014_fakebbox100_results.json"
    static let efficientDet = folder + "/efficientdet_val2017_10img_bbox_results.json"
    static let stuff = folder + "/cocostuff_examples.json"
    static let fidelityIDs = folder + "/lama_val2017_3097_image_ids.txt"
    static let missing = Surroundings.cocoMissing
}

/// A COCO file as Foundation's `JSONDecoder` reads it, for checks that share no code with the module.
///
/// (`JSONSerialization` on Linux is off by some units in the last place.)
struct JudgeFile: Decodable {
    struct Image: Decodable { var id, width, height: Int, file_name: String }
    struct Annotation: Decodable { var id, image_id, category_id, iscrowd: Int, bbox: [Double], area: Double }
    struct Category: Decodable { var id: Int, name: String }
    struct Detection: Decodable { var image_id, category_id: Int, bbox: [Double], score: Double }

    var images: [Image]
    var annotations: [Annotation]
    var categories: [Category]

    static func read<Value: Decodable>(_ path: String, as type: Value.Type = JudgeFile.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }
}

extension Box {
    /// The four numbers in COCO's order.
    var numbers: [Double] { [x, y, width, height] }
}

/// Writes `text` to its own file, runs `body` with its path, and removes it.
func withFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
    try withFile(Array(text.utf8), body)
}

/// Writes `bytes` to its own file, runs `body` with its path, and removes it.
func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("layouts-\(UUID().uuidString).json").path
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}

/// A small annotation set: image 1 of 100 x 100, categories 1 (person) and 2 (bicycle).
func annotationSet(
    _ boxes: [Box], image: AnnotatedImage = AnnotatedImage(id: 1, fileName: "1.jpg", width: 100, height: 100)
) -> AnnotationSet {
    AnnotationSet(
        images: [image],
        annotations: boxes.enumerated().map { index, box in
            Annotation(id: index + 1, imageID: image.id, categoryID: index % 2 + 1, box: box, area: box.area)
        },
        categories: [Category(id: 1, name: "person"), Category(id: 2, name: "bicycle")])
}
