// What stands beside an image in a shard: everything a detector's training needs to know about it.

import Catalogue
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
        /// The best detection of it, where the job has a gate and there is one.
        var detected: DetectedObject?

        enum CodingKeys: String, CodingKey {
            case annotationID = "annotation_id"
            case attribute, bbox, category
            case categoryID = "category_id"
            case detected
        }
    }

    /// What the job's gate found.
    public struct Gate: Codable, Sendable, Hashable {
        /// Whether the image passed.
        var passed: Bool
        /// The share of its easy objects that were found.
        var recall: Double
        /// Which retry it is; 0 for the task's own seed.
        var retry: Int
    }

    var width: Int
    var height: Int
    var gate: Gate?
    var imageID: Int
    var objects: [Object]
    var prompt: String
    var sample: Int
    var seed: UInt64
    var strategy: Strategy

    enum CodingKeys: String, CodingKey {
        case width, height, gate
        case imageID = "image_id"
        case objects, prompt, sample, seed, strategy
    }

    init(task: LayoutTask, specification: GenerateSpecification, judgement: ImageJudgement? = nil) {
        width = specification.width
        height = specification.height
        imageID = task.layout.imageID
        prompt = task.prompt
        sample = task.sample
        seed = judgement?.seed ?? task.seed
        gate = judgement.map { Gate(passed: $0.isPassed, recall: $0.recall, retry: $0.retry) }
        strategy = specification.strategy
        let boxes = task.layout.boxes(inWidth: width, height: height)
        let found = judgement?.objects ?? task.layout.objects.map { _ in nil }
        objects = zip(zip(task.layout.objects, boxes), found).map { placed, detected in
            let (object, box) = placed
            return Object(
                annotationID: object.annotationID, attribute: object.attribute,
                bbox: [box.x, box.y, box.width, box.height], category: object.category, categoryID: object.categoryID,
                detected: detected)
        }
    }

    /// Describes the images of generate jobs.
    public static let describer: ImageDescriber = { specification in
        let specification = try GenerateSpecification(json: specification)
        return { output in
            let task = try LayoutTask(decoding: output.payload)
            let judgement = try output.judgement.map {
                try ImageJudgement(decoding: $0, objects: task.layout.objects.count)
            }
            return try SampleRecord(task: task, specification: specification, judgement: judgement).encoded()
        }
    }

    /// JSON with sorted keys: the same bytes for the same sample.
    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }
}
