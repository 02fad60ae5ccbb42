// What a user asks of a detector: a subset, and the rule of the attributes.

public import Digests
public import Layouts
public import Tasks

/// Everything that a user says about a detect job.
public struct DetectRequest: Sendable {
    /// The annotation file (things).
    public var annotations: String
    /// The stuff annotation file, for the fidelity subset.
    public var stuff: String?
    /// Which rules choose images and objects.
    public var subset: SubsetProtocol
    /// A file with the image ids to keep.
    public var imageIDs: String?
    /// The most images.
    public var limit: Int?
    /// Pixels of the images to be generated.
    public var width = 800
    /// Pixels of the images to be generated.
    public var height = 456
    /// The rule of the attributes that are stored.
    public var rule = AttributeRule()
    /// What the detector is called.
    public var detector: String
    /// SHA-256 of what identifies the detector.
    public var detectorDigest: SHA256Digest
    /// What its labels mean, given the annotation file's categories.
    public var classes: @Sendable (_ categories: [Layouts.Category]) throws -> [DetectSpecification.Class?]
    /// Tasks per shard.
    public var shardSize = 500

    /// A request with the defaults of the trainability protocol.
    public init(
        annotations: String, subset: SubsetProtocol, detector: String, detectorDigest: SHA256Digest,
        classes: @escaping @Sendable (_ categories: [Layouts.Category]) throws -> [DetectSpecification.Class?]
    ) {
        self.annotations = annotations
        self.subset = subset
        self.detector = detector
        self.detectorDigest = detectorDigest
        self.classes = classes
    }
}
