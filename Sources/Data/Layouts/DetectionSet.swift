// A detector's results in COCO's results format.

/// One box that a detector reported.
public struct Detection: Hashable, Sendable {
    /// The image it was found in.
    public var imageID: Int
    /// The category that the detector gave it.
    public var categoryID: Int
    /// The box in pixels of the original image.
    public var box: Box
    /// The detector's confidence, 0...1.
    public var score: Double

    /// Makes a detection.
    public init(imageID: Int, categoryID: Int, box: Box, score: Double) {
        self.imageID = imageID
        self.categoryID = categoryID
        self.box = box
        self.score = score
    }
}

/// The contents of a results file, by image; read one with ``read(path:)``.
public struct DetectionSet: Sendable {
    /// The detections of each image that has any, in file order.
    public var byImage: [Int: [Detection]]

    /// Groups detections by image.
    public init(_ detections: [Detection] = []) { byImage = Dictionary(grouping: detections, by: \.imageID) }

    /// Images that have at least one detection.
    public var coveredImages: Set<Int> { Set(byImage.keys) }

    /// Number of detections.
    public var count: Int { byImage.values.reduce(0) { $0 + $1.count } }

    /// The detections in `image`, none when there are none.
    public func detections(in image: Int) -> [Detection] { byImage[image] ?? [] }

    /// Reads a results file, an array of `{"image_id":…, "category_id":…, "bbox":[x, y, width, height], "score":…}`,
    /// as a stream, once: a file, gzip of it, or a pipe.
    ///
    /// Boxes without extent or of negative extent are tolerated, since detectors write them and they overlap nothing;
    /// a score that rounding put just beyond 0 or 1 is taken for that. Refused: what
    /// ``AnnotationSet/read(path:isStuff:onText:)`` refuses of JSON and boxes, and other scores outside 0...1 (a threshold
    /// on percentages would keep every box).
    /// - Parameter onText: is shown the text as it is parsed, piece by piece, for a digest of it.
    public static func read(
        path: String, onText: (ArraySlice<UInt8>) -> Void = { _ in }
    ) throws(LayoutError) -> DetectionSet {
        let collected = Collected()
        let parser = RecordParser(sections: [section], isBareList: true) { _, record in
            collected.detections.append(
                Detection(
                    imageID: record.integers[0], categoryID: record.integers[1], box: record.box,
                    score: record.numbers[3]))
        }
        try RecordReader.read(.detections, path: path, into: parser, onText: onText)
        return DetectionSet(collected.detections)
    }

    private static let section = RecordSection(
        name: "",
        fields: [
            RecordField(name: "image_id", kind: .integer), RecordField(name: "category_id", kind: .integer),
            RecordField(name: "bbox", kind: .box), RecordField(name: "score", kind: .fraction),
        ])

    /// Shared by the parser's callback and the reader.
    private final class Collected { var detections: [Detection] = [] }
}
