// What stands beside an image in a shard: everything a detector's training needs to know about it.

import Foundation
import Layouts
import Tasks

/// The JSON of one sample, with boxes in the generated image's frame. Its JSON Schema is
/// `schemas/messages/sample.v1.schema.json`.
public struct SampleRecord: Codable, Sendable, Hashable {
    /// One object of the sample.
    public struct Object: Codable, Sendable, Hashable {
        var annotationID: Int
        var attribute: Attribute
        /// x, y, width, height in pixels of the generated image.
        var bbox: [Double]
        var category: String
        var categoryID: Int

        enum CodingKeys: String, CodingKey {
            case annotationID = "annotation_id"
            case attribute, bbox, category
            case categoryID = "category_id"
        }
    }

    var width: Int
    var height: Int
    var imageID: Int
    var objects: [Object]
    var prompt: String
    var sample: Int
    var seed: UInt64
    var strategy: Strategy

    enum CodingKeys: String, CodingKey {
        case width, height
        case imageID = "image_id"
        case objects, prompt, sample, seed, strategy
    }

    init(task: LayoutTask, specification: GenerateSpecification) {
        width = specification.width
        height = specification.height
        imageID = task.layout.imageID
        prompt = task.prompt
        sample = task.sample
        seed = task.seed
        strategy = specification.strategy
        let boxes = task.layout.boxes(inWidth: width, height: height)
        objects = zip(task.layout.objects, boxes).map { object, box in
            Object(
                annotationID: object.annotationID, attribute: object.attribute,
                bbox: [box.x, box.y, box.width, box.height], category: object.category, categoryID: object.categoryID)
        }
    }

    /// Describes the images of generate jobs.
    public static let describer: ImageDescriber = { specification in
        let specification = try GenerateSpecification(json: specification)
        return { payload in
            try SampleRecord(task: try LayoutTask(decoding: payload), specification: specification).encoded()
        }
    }

    /// JSON with sorted keys: the same bytes for the same sample.
    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }
}
