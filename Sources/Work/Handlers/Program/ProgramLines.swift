// The lines between a worker and a generator program, as values. Their JSON Schemas are in schemas/plugin/.

import Foundation
import Layouts
import Tasks

/// The versions and bounds of the protocol.
enum ProgramProtocol {
    /// What `ready` lines must name; a change of meaning raises it.
    static let version = 1
    /// The longest line, in bytes without its newline.
    static let lineLimit = 16 << 20
    /// The largest batch that a program may ask for.
    static let batchLimit = 10_000
}

/// Which image sizes a program makes.
public enum ProgramSizes: Sendable, Hashable {
    /// Every size that a job may ask for: multiples of 8.
    case any
    /// Only these.
    case listed([Size])

    /// Width and height in pixels.
    public struct Size: Sendable, Hashable, CustomStringConvertible {
        /// Pixels.
        public var width: Int
        /// Pixels.
        public var height: Int

        /// `800x456`.
        public var description: String { "\(width)x\(height)" }

        /// Reads `800x456`; sides are multiples of 8 up to 4096, as jobs have them.
        init?(parsing text: String) {
            let sides = text.split(separator: "x", omittingEmptySubsequences: false).compactMap { Int($0) }
            guard sides.count == 2, sides.allSatisfy({ (8...4096).contains($0) && $0 % 8 == 0 }) else { return nil }
            (width, height) = (sides[0], sides[1])
            guard text == description else { return nil }
        }
    }

    /// The first size of a list.
    public var first: Size? {
        switch self {
        case .any: nil
        case .listed(let sizes): sizes.first
        }
    }

    /// Whether an image of `width` x `height` pixels can be made.
    func contains(width: Int, height: Int) -> Bool {
        switch self {
        case .any: true
        case .listed(let sizes): sizes.contains { $0.width == width && $0.height == height }
        }
    }
}

extension ProgramSizes: CustomStringConvertible {
    /// The sizes as people read them.
    public var description: String {
        switch self {
        case .any: "any multiple of 8"
        case .listed(let sizes): sizes.map(\.description).joined(separator: ", ")
        }
    }
}

/// The line `batch`: what the program shall make.
struct BatchLine: Encodable, Sendable {
    /// What changes images beside the tasks; absent where the job does not say it.
    struct Options: Encodable, Sendable {
        var steps: Int?
        var guidance: Double?
    }

    struct Object: Encodable, Sendable {
        var category: String
        var categoryID: Int
        var attribute: Attribute
        /// x, y, width, height in pixels of the image that shall be made, as in COCO.
        var bbox: [Double]
        /// x0, y0, x1, y1 as parts of the image's width and height, 0 to 1, as GLIGEN takes them.
        var corners: [Double]

        enum CodingKeys: String, CodingKey {
            case category
            case categoryID = "category_id"
            case attribute, bbox, corners
        }
    }

    struct Item: Encodable, Sendable {
        var id: Int
        var seed: UInt64
        var prompt: String
        var sample: Int
        var imageID: Int
        var objects: [Object]

        enum CodingKeys: String, CodingKey {
            case id, seed, prompt, sample
            case imageID = "image_id"
            case objects
        }
    }

    var type = "batch"
    var id: Int
    var folder: String
    var width: Int
    var height: Int
    var strategy: Strategy
    var options: Options
    var tasks: [Item]

    /// The batch of `tasks`, whose ids are their places.
    init(id: Int, folder: String, tasks: [LayoutTask], specification: GenerateSpecification) {
        self.id = id
        self.folder = folder
        (width, height) = (specification.width, specification.height)
        strategy = specification.strategy
        options = Options(steps: specification.steps, guidance: specification.guidance)
        self.tasks = []
        for (place, task) in tasks.enumerated() {
            let boxes = task.layout.boxes(inWidth: width, height: height)
            let objects = zip(task.layout.objects, boxes).map { self.object($0, box: $1) }
            self.tasks.append(
                Item(
                    id: place, seed: task.seed, prompt: task.prompt, sample: task.sample, imageID: task.layout.imageID,
                    objects: objects))
        }
    }

    private func object(_ object: LayoutObject, box: Box) -> Object {
        let (width, height) = (Double(width), Double(height))
        return Object(
            category: object.category, categoryID: object.categoryID, attribute: object.attribute,
            bbox: [box.x, box.y, box.width, box.height],
            corners: [
                box.x / width, box.y / height, min(1, (box.x + box.width) / width),
                min(1, (box.y + box.height) / height),
            ])
    }

    /// One line with its newline; JSON escapes newlines inside strings.
    func encoded() throws -> [UInt8] { try encodedLine(self) }
}

/// The line `stop`: leave.
struct StopLine: Encodable, Sendable {
    var type = "stop"

    func encoded() throws -> [UInt8] { try encodedLine(self) }
}

private func encodedLine(_ line: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(line)) + [UInt8(ascii: "\n")]
}
