// The quality gate: which generated images a detector has to find its way in.

/// What a detector must find in a generated image, and what becomes of images in which it does not.
///
/// Only objects that are meant to be easy count: hard ones are hard for a detector on purpose, and stuff has no boxes.
public struct QualityGate: Hashable, Sendable, Codable {
    /// What becomes of an image that still does not pass after the last retry; the best of its tries is the image.
    public enum Otherwise: String, Hashable, Sendable, Codable, CaseIterable {
        /// It is recorded, and left out of exports unless they choose thresholds of their own.
        case drop
        /// It is recorded and exported like any other.
        case keep
    }

    /// A detection counts from this score on, 0 to 1.
    public var minScore: Double
    /// A detection must overlap an object's box by more than this (IoU), 0 to 1.
    public var minIoU: Double
    /// Whether a detection must have the object's category.
    public var sameClass: Bool
    /// The least share of an image's easy objects that must be found, above 0 and up to 1.
    public var minRecall: Double
    /// How often an image is generated again, each time from the next seed.
    public var retries: Int
    /// What becomes of an image that none of them mended.
    public var otherwise: Otherwise

    /// Retries that a gate may ask for.
    public static let mostRetries = 20

    /// A gate whose thresholds are those of the attributes (``AttributeRule``), so that `easy` means the same before and after.
    public init(
        minScore: Double = 0.3, minIoU: Double = 0.5, sameClass: Bool = true, minRecall: Double = 1, retries: Int = 3,
        otherwise: Otherwise = .drop
    ) {
        self.minScore = minScore
        self.minIoU = minIoU
        self.sameClass = sameClass
        self.minRecall = minRecall
        self.retries = retries
        self.otherwise = otherwise
    }

    /// Whether its numbers are within their ranges.
    public var isValid: Bool {
        (0...1).contains(minScore) && (0...1).contains(minIoU) && minRecall > 0 && minRecall <= 1
            && (0...Self.mostRetries).contains(retries)
    }

    /// Judges an image by what a detector found in it.
    ///
    /// - Parameters:
    ///   - layout: what the image should show.
    ///   - width: the image's width in pixels.
    ///   - height: its height.
    ///   - detections: in pixels of the image.
    public func judge(
        _ layout: Layout, inWidth width: Int, height: Int, detections: [Detection]
    ) -> [DetectedObject?] {
        zip(layout.objects, layout.boxes(inWidth: width, height: height)).map { object, box in
            guard object.attribute != .background else { return nil }
            return best(for: box, of: object.categoryID, among: detections)
        }
    }

    /// The surest detection that overlaps the box enough; where none does, the one that overlaps it most.
    private func best(for box: Box, of category: Int, among detections: [Detection]) -> DetectedObject? {
        detections.lazy.filter { !sameClass || $0.categoryID == category }
            .map { DetectedObject(score: $0.score, iou: $0.box.intersectionOverUnion(box)) }
            .filter { $0.iou > 0 }
            .max { first, second in
                let (isFirst, isSecond) = (first.iou > minIoU, second.iou > minIoU)
                if isFirst != isSecond { return isSecond }
                return isFirst ? first.score < second.score : first.iou < second.iou
            }
    }

    /// The share of the layout's easy objects that were found, at this score or the gate's own; 1 where none is easy.
    public func recall(of layout: Layout, found: [DetectedObject?], minScore: Double? = nil) -> Double {
        let easy = zip(layout.objects, found).filter { $0.0.attribute == .easy }
        guard !easy.isEmpty else { return 1 }
        let least = minScore ?? self.minScore
        let hits = easy.count { _, best in best.map { $0.score >= least && $0.iou > minIoU } ?? false }
        return Double(hits) / Double(easy.count)
    }
}

/// The best detection of one object.
public struct DetectedObject: Hashable, Sendable, Codable {
    /// How sure the detector is, 0 to 1.
    public var score: Double
    /// How much its box overlaps the object's (IoU), 0 to 1.
    public var iou: Double

    /// Keeps six digits of each: what is recorded reads back as it was judged.
    public init(score: Double, iou: Double) {
        self.score = (score * 1e6).rounded() / 1e6
        self.iou = (iou * 1e6).rounded() / 1e6
    }
}
