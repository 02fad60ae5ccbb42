// What makes a detect job the job it is: every option that changes its results.

public import Digests
import Foundation
public import Layouts

/// The canonical specification of a job of kind `detect`: a detector's boxes in the images of a subset, and the attributes
/// that follow from them (docs/method.md, section 3).
///
/// Its hash is the job's identity, as with ``GenerateSpecification``; where the pictures lie is no part of it.
public struct DetectSpecification: Hashable, Sendable, Codable {
    /// A class of the detector, as the annotation file knows it.
    public struct Class: Hashable, Sendable, Codable {
        /// The category's id.
        public var id: Int
        /// The category's name.
        public var name: String

        /// Names a class.
        public init(id: Int, name: String) {
            self.id = id
            self.name = name
        }
    }

    /// The version that this program writes.
    static let currentVersion = 1

    /// The version of this record; a change of meaning raises it.
    public var version = Self.currentVersion
    /// The kind, always `detect`.
    public var kind = TaskKind.detect
    /// SHA-256 of the annotation file's text, as in ``GenerateSpecification``.
    public var annotations: SHA256Digest
    /// SHA-256 of the stuff annotation file.
    public var stuff: SHA256Digest?
    /// SHA-256 of the list of image ids that restricts the subset.
    public var imageIDs: SHA256Digest?
    /// Which subset rules were applied.
    public var subset: SubsetProtocol
    /// Pixels of the images to be generated, in whose frame an object must not vanish.
    public var width: Int
    /// The same.
    public var height: Int
    /// What the detector is called: `yolov4`.
    public var detector: String
    /// SHA-256 over everything that changes its boxes: weights, configuration, names, thresholds, sizes.
    public var detectorDigest: SHA256Digest
    /// What each of its labels means; `nil` for those that mean no category, such as the background.
    public var classes: [Class?]
    /// Score threshold gamma of eq. 2, of the attributes that are stored with the detections.
    public var gamma: Double
    /// IoU threshold beta of eq. 2.
    public var beta: Double
    /// Whether a detection must have the object's category.
    public var sameClass: Bool
    /// Tasks per shard.
    public var shardSize: Int

    /// The specification of a job over things; the optional parts are set afterwards.
    public init(
        annotations: SHA256Digest, subset: SubsetProtocol, width: Int, height: Int, detector: String,
        detectorDigest: SHA256Digest, classes: [Class?], rule: AttributeRule, shardSize: Int
    ) {
        self.annotations = annotations
        self.subset = subset
        self.width = width
        self.height = height
        self.detector = detector
        self.detectorDigest = detectorDigest
        self.classes = classes
        gamma = rule.gamma
        beta = rule.beta
        sameClass = rule.sameClass
        self.shardSize = shardSize
    }

    /// The rule of the stored attributes.
    public var rule: AttributeRule { AttributeRule(gamma: gamma, beta: beta, sameClass: sameClass) }

    /// What a worker needs to serve this job.
    public var capability: Capability { Capability(generator: detector, checkpointDigest: detectorDigest.hex) }

    /// The canonical JSON: sorted keys, absent parts left out.
    public func canonicalJSON() throws(TaskError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        } catch {
            throw TaskError(.invalid, "job specification: a number that JSON cannot hold (\(error))")
        }
    }

    /// Reads a specification from the catalogue, and refuses numbers outside ``JobRanges``.
    public init(json: String) throws(TaskError) {
        do {
            self = try JSONDecoder().decode(DetectSpecification.self, from: Data(json.utf8))
        } catch {
            throw TaskError(
                .unreadable,
                "job specification: expected the JSON of a detect job, found something else (\(error)); was it written by a "
                    + "newer version?")
        }
        let isSound =
            (1...Self.currentVersion).contains(version) && kind == .detect && GeneratorName.isValid(detector)
            && JobRanges.isSide(width) && JobRanges.isSide(height) && JobRanges.thresholds.contains(gamma)
            && JobRanges.thresholds.contains(beta) && JobRanges.recordedShardSizes.contains(shardSize)
        guard isSound else {
            throw TaskError(
                .unreadable,
                "job specification: expected a detect job of version 1 to \(Self.currentVersion) with sides, thresholds and "
                    + "shards within their ranges, found others")
        }
    }
}
