// A small data set with pictures: drawn ones, since no photographs come with this package, and a detector of a few weights.

import Foundation
import Pixels

/// Pictures of rectangles, with annotations of which a detector finds about half.
public struct DrawnSet: Sendable {
    /// One annotated object.
    public struct Object: Sendable, Hashable {
        /// The annotation's id.
        public var id: Int
        /// The image's id, from 1.
        public var image: Int
        /// The category's id: 1 cat, 2 dog, 3 bird.
        public var category: Int
        /// x, y, width, height.
        public var box: [Double]
    }

    /// One box of the detector.
    public struct Found: Sendable, Hashable {
        /// The image's id.
        public var image: Int
        /// The category's id.
        public var category: Int
        /// x, y, width, height.
        public var box: [Double]
        /// 0...1.
        public var score: Double

        /// Describes a box.
        public init(image: Int, category: Int, box: [Double], score: Double) {
            self.image = image
            self.category = category
            self.box = box
            self.score = score
        }
    }

    /// Width of every picture.
    public static let width = 96
    /// Height of every picture.
    public static let height = 72
    /// Options that name the detector: darknet's layers with random weights, three classes.
    public let detector: [String]
    /// Another file of names for the same classes.
    public let otherNames: String
    /// The detector as a worker's profile names it, with `PICTURES` for the folder.
    public let profile: String
    /// The folder of the pictures.
    public let pictures: String
    /// The annotation file.
    public let annotations: String
    /// What the detector finds, as `detdiffusion-worker detect` writes it.
    public let detections: String
    /// The objects, in the order of the annotation file.
    public let objects: [Object]
    /// What is in ``detections``.
    public let found: [Found]

    /// Draws `images` pictures into `folder`, asks the detector, and annotates its boxes beside others.
    public init(in folder: String, images: Int) throws {
        pictures = folder + "/pictures"
        annotations = folder + "/drawn.json"
        detections = folder + "/found.json"
        try FileManager.default.createDirectory(atPath: pictures, withIntermediateDirectories: true)
        for image in 1...images {
            try Data(try Self.picture(image).png()).write(to: URL(fileURLWithPath: Self.path(of: image, in: pictures)))
        }
        let names = folder + "/names.txt"
        try "cat\ndog\nbird\n".write(toFile: names, atomically: true, encoding: .utf8)
        otherNames = folder + "/other.txt"
        try "dog\ncat\nbird\n".write(toFile: otherNames, atomically: true, encoding: .utf8)
        let golden = Surroundings.root + "/Tests/Engine/DetectorsTests/Golden"
        detector = [
            "--detector", "yolov4", "--cfg", golden + "/darknet.cfg", "--weights", golden + "/darknet.weights",
            "--names",
            names, "--threshold", "0.02",
        ]
        profile =
            #"{"detector": "yolov4", "cfg": "\#(golden)/darknet.cfg", "weights": "\#(golden)/darknet.weights", "#
            + #""names": "\#(names)", "threshold": 0.02, "images": "PICTURES"}"#
        // Ids of images and categories come from the annotations.
        try Self.text(images: images, objects: []).write(toFile: annotations, atomically: true, encoding: .utf8)
        try Commands().succeed(
            "worker",
            ["detect", "--images", pictures, "--annotations", annotations, "--out", detections] + detector)
        found = try Self.read(detections)
        objects = Self.objects(images: images, found: found)
        try Self.text(images: images, objects: objects).write(toFile: annotations, atomically: true, encoding: .utf8)
    }

    /// Where a picture is.
    public func path(of image: Int) -> String { Self.path(of: image, in: pictures) }

    private static func path(of image: Int, in folder: String) -> String { "\(folder)/\(name(of: image))" }

    private static func name(of image: Int) -> String { String(format: "%012d.png", image) }

    /// What equation 2 says of an object: written down again, so that it can judge.
    public func isEasy(_ object: Object, gamma: Double, beta: Double, sameClass: Bool = false) -> Bool {
        found.contains { box in
            box.image == object.image && box.score >= gamma && (!sameClass || box.category == object.category)
                && Self.overlap(box.box, object.box) > beta
        }
    }

    /// Intersection over union.
    public static func overlap(_ one: [Double], _ other: [Double]) -> Double {
        let width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
        let height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
        guard width > 0, height > 0 else { return 0 }
        return width * height / (one[2] * one[3] + other[2] * other[3] - width * height)
    }

    private static func picture(_ image: Int) -> Image {
        var generator = SeededGenerator(seed: UInt64(image))
        func color() -> Color { Color(hex: UInt32(truncatingIfNeeded: generator.next()) & 0xFFFFFF) }
        var picture = Image(width: width, height: height, fill: color())
        for _ in 0..<6 {
            let side = (Int.random(in: 8...40, using: &generator), Int.random(in: 8...40, using: &generator))
            picture.fill(
                Rectangle(
                    x: Int.random(in: 0...(width - 8), using: &generator),
                    y: Int.random(in: 0...(height - 8), using: &generator), width: side.0, height: side.1), color())
        }
        return picture
    }

    /// For each image, two boxes that the detector found, as far as there are, and two where it may have found none.
    private static func objects(images: Int, found: [Found]) -> [Object] {
        var objects: [Object] = []
        for image in 1...images {
            let seen = found.filter { $0.image == image && $0.box[2] > 10 && $0.box[3] > 10 }.prefix(2)
            // A detection's box, moved a little, so that no comparison hangs on the last bit.
            let boxes =
                seen.map { [$0.box[0], $0.box[1], $0.box[2] - 0.5, $0.box[3] - 0.5] }
                + [[1, 1, 12, 60], [60, 40, 30, 12]]
            for box in boxes {
                objects.append(Object(id: objects.count + 1, image: image, category: objects.count % 3 + 1, box: box))
            }
        }
        return objects
    }

    private static func text(images: Int, objects: [Object]) -> String {
        let pictures = (1...images).map {
            #"{"id":\#($0),"file_name":"\#(name(of: $0))","width":\#(width),"height":\#(height)}"#
        }
        let annotations = objects.map {
            #"{"id":\#($0.id),"image_id":\#($0.image),"category_id":\#($0.category),"bbox":\#($0.box),"#
                + #""area":\#($0.box[2] * $0.box[3]),"iscrowd":0}"#
        }
        return
            #"{"images":[\#(pictures.joined(separator: ","))],"annotations":[\#(annotations.joined(separator: ","))],"#
            + #""categories":[{"id":1,"name":"cat"},{"id":2,"name":"dog"},{"id":3,"name":"bird"}]}"#
    }

    /// Reads what `detdiffusion-worker detect` wrote.
    public static func read(_ path: String) throws -> [Found] {
        struct Record: Decodable { var image_id: Int, category_id: Int, bbox: [Double], score: Double }
        return try JSONDecoder().decode([Record].self, from: Data(contentsOf: URL(fileURLWithPath: path))).map {
            Found(image: $0.image_id, category: $0.category_id, box: $0.bbox, score: $0.score)
        }
    }
}
