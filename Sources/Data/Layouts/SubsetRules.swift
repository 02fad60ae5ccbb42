// The rules by which images and objects are chosen, with the paper's thresholds as named numbers.

/// Which of the paper's two evaluations a subset serves.
public enum SubsetProtocol: String, Codable, Sendable, CaseIterable {
    /// Things only (section 4.1 of the paper: detector training on generated images).
    case trainability
    /// Things and stuff, only images that have stuff annotations (section 4.1: FID and YOLO Score).
    case fidelity
    /// Every image with its valid objects; no area and no count rule.
    case all
}

/// The thresholds of a subset.
public struct SubsetRules: Hashable, Sendable, Codable {
    /// The paper's smallest area of a box over the area of its image; a box must exceed it.
    public static let paperAreaFraction = 0.02
    /// The paper's numbers of kept objects in an image, inclusive.
    public static let paperObjectCounts = 3...8
    /// The smallest shorter side of an image in pixels (mmdetection's `min_size`).
    public static let smallestImageSide = 32
    /// The smallest width and height of a box, in pixels of its image as annotated (mmdetection) and, clipped, in pixels
    /// of the generated image, where detectors are trained on it.
    public static let smallestBoxSide = 1.0
    /// The name of the stuff that is never an object (cocostuff's 183rd).
    public static let excludedStuff = "other"

    /// The protocol these are the thresholds of.
    public var subsetProtocol: SubsetProtocol
    /// A box's area over its image's area must exceed this; `nil` for no such rule.
    public var areaFraction: Double?
    /// How many objects an image keeps at least.
    public var fewestObjects: Int
    /// How many objects an image keeps at most; `nil` for any number.
    public var mostObjects: Int?
    /// Whether images without stuff annotations are dropped.
    public var requiresStuff: Bool
    /// The smallest shorter side of an image in pixels; 0 for no such rule.
    public var imageSide: Int

    /// The rules of a protocol.
    public init(_ subsetProtocol: SubsetProtocol) {
        let isPaper = subsetProtocol != .all
        self.subsetProtocol = subsetProtocol
        areaFraction = isPaper ? Self.paperAreaFraction : nil
        fewestObjects = isPaper ? Self.paperObjectCounts.lowerBound : 1
        mostObjects = isPaper ? Self.paperObjectCounts.upperBound : nil
        requiresStuff = subsetProtocol == .fidelity
        imageSide = isPaper ? Self.smallestImageSide : 0
    }
}

/// Why an annotation or an image is not in a subset, in the order in which the rules are asked.
public enum DropReason: String, Codable, Sendable, CaseIterable {
    // Annotations.
    /// A stuff annotation of an image that the things file does not have.
    case unknownImage = "unknown-image"
    /// The box as annotated is narrower or lower than one pixel.
    case degenerate
    /// The box does not meet its image.
    case outside
    /// The box, clipped to its image, covers no more than 2 % of it.
    case small
    /// It stands for a crowd.
    case crowd
    /// The file marks it to be ignored.
    case ignored
    /// Its category is the stuff `other`.
    case other
    /// The annotated area is not above 0.
    case withoutArea = "without-area"
    /// The box, clipped, is narrower or lower than one pixel of the generated image.
    case subpixel = "sub-pixel"
    /// It passed, but its image was dropped.
    case imageDropped = "image-dropped"
    // Images.
    /// The image is not in the list of wanted ids.
    case notListed = "not-listed"
    /// The image has no stuff annotation.
    case withoutStuff = "without-stuff"
    /// It keeps fewer objects than an image must.
    case tooFewObjects = "too-few-objects"
    /// It keeps more objects than an image may.
    case tooManyObjects = "too-many-objects"
    /// Its shorter side is under 32 pixels.
    case shortSide = "short-side"
    /// The detector was not run on it (a plan under ``UncoveredPolicy/skip``).
    case uncovered
    /// Its prompt does not fit the generator's text encoder (a plan that skips such images).
    case prompt

    /// The reasons of annotations, in rule order.
    public static let ofAnnotations: [DropReason] = [
        .unknownImage, .degenerate, .outside, .small, .crowd, .ignored, .other, .withoutArea, .subpixel, .imageDropped,
    ]
    /// The reasons of images, in rule order.
    public static let ofImages: [DropReason] = [
        .notListed, .withoutStuff, .tooFewObjects, .tooManyObjects, .shortSide, .uncovered, .prompt,
    ]
}

/// How many annotations or images a rule dropped.
public struct RuleCount: Hashable, Sendable, Codable {
    /// The rule.
    public var rule: DropReason
    /// How many it dropped.
    public var count: Int

    /// Makes a count.
    public init(rule: DropReason, count: Int) {
        self.rule = rule
        self.count = count
    }
}
