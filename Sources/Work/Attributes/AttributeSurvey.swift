// What a detector found easy and hard, in numbers: by category and by the size of the boxes.

public import Catalogue
import Digests
public import Layouts
import Tasks

/// How many objects a detector found, and how many it missed.
public struct AttributeTally: Sendable, Hashable, Codable {
    /// Objects that it found.
    public var easy = 0
    /// Objects that it missed.
    public var hard = 0

    /// So many of each.
    public init(easy: Int = 0, hard: Int = 0) {
        self.easy = easy
        self.hard = hard
    }

    /// Both.
    public var objects: Int { easy + hard }
    /// The part that it found, 0...1; 0 of none.
    public var share: Double { objects == 0 ? 0 : Double(easy) / Double(objects) }

    mutating func count(_ attribute: Attribute) {
        switch attribute {
        case .easy: easy += 1
        case .hard: hard += 1
        case .background: break
        }
    }
}

/// The attributes of a detect job's objects under one rule. Encoded with exactly these keys.
public struct AttributeSurvey: Sendable, Hashable, Codable {
    /// One row of the survey.
    public struct Row: Sendable, Hashable, Codable {
        /// The category's name, or `small`, `medium`, `large`.
        public var name: String
        /// Its objects.
        public var tally: AttributeTally

        /// A row from its name and objects.
        public init(name: String, tally: AttributeTally) {
            self.name = name
            self.tally = tally
        }
    }

    /// COCO's sizes, by the area of an object's box in pixels of the original image: below 32², below 96², and the rest.
    public enum Size: String, Sendable, CaseIterable, Codable {
        case small, medium, large

        /// The size of a box.
        public init(_ box: Box) { self = box.area < 1024 ? .small : box.area < 9216 ? .medium : .large }
    }

    /// The job's name.
    public var job: String
    /// What the detector is called.
    public var detector: String
    /// SHA-256 of what identifies the detector.
    public var detectorDigest: String
    /// Score threshold of eq. 2 under which these numbers hold.
    public var gamma: Double
    /// IoU threshold of eq. 2 under which these numbers hold.
    public var beta: Double
    /// Whether a detection counts only for objects of its category.
    public var sameClass: Bool
    /// The gamma of the stored attributes.
    public var storedGamma: Double
    /// The beta of the stored attributes.
    public var storedBeta: Double
    /// Whether stored attributes count a detection only for objects of its category.
    public var storedSameClass: Bool
    /// Images with a result.
    public var images = 0
    /// Images of the job.
    public var tasks = 0
    /// Objects that the detector cannot name (stuff); they are in no row.
    public var background = 0
    /// Boxes that the detector reported, whatever their score.
    public var detections = 0
    /// All objects that the detector can name.
    public var total = AttributeTally()
    /// By size, the smallest first.
    public var sizes: [Row]
    /// By category, the most frequent first; categories without an object are left out.
    public var categories: [Row] = []

    /// Whether these are the attributes that were stored with the detections, and not recomputed from them.
    public var isStored: Bool { gamma == storedGamma && beta == storedBeta && sameClass == storedSameClass }

    /// Reads a detect job's results; under another rule than the stored one, its attributes are computed anew from the kept
    /// detections.
    /// - Parameter job: a job whose kind is `detect`.
    public static func read(
        job: RecordedJob, gamma: Double?, beta: Double?, sameClass: Bool?, from catalogue: Catalogue
    ) async throws -> AttributeSurvey {
        let specification = try DetectSpecification(json: job.specification)
        let rule = AttributeRule(
            gamma: gamma ?? specification.gamma, beta: beta ?? specification.beta,
            sameClass: sameClass ?? specification.sameClass)
        var survey = AttributeSurvey(job: job.name, specification, rule: rule)
        var byCategory: [Int: Row] = [:]
        var bySize: [Size: AttributeTally] = [:]
        try await catalogue.forEachOwnTask(of: job.id) { task in
            survey.tasks += 1
            guard let content = task.result else { return }
            let stored = try DetectedImage(decoding: content)
            let image = stored.rule == rule ? stored : stored.judged(by: rule)
            survey.images += 1
            survey.detections += image.detections.count
            for object in image.layout.objects {
                guard object.attribute != .background else { survey.background += 1; continue }
                survey.total.count(object.attribute)
                bySize[Size(object.box), default: AttributeTally()].count(object.attribute)
                byCategory[object.categoryID, default: Row(name: object.category, tally: AttributeTally())].tally
                    .count(object.attribute)
            }
        }
        survey.sizes = Size.allCases.map { Row(name: $0.rawValue, tally: bySize[$0] ?? AttributeTally()) }
        survey.categories = byCategory.sorted { ($1.value.tally.objects, $0.key) < ($0.value.tally.objects, $1.key) }
            .map(\.value)
        return survey
    }

    private init(job: String, _ specification: DetectSpecification, rule: AttributeRule) {
        self.job = job
        detector = specification.detector
        detectorDigest = specification.detectorDigest.hex
        gamma = rule.gamma
        beta = rule.beta
        sameClass = rule.sameClass
        storedGamma = specification.gamma
        storedBeta = specification.beta
        storedSameClass = specification.sameClass
        sizes = []
    }
}
