// What makes a generate job the job it is: every option that changes its output.

public import Digests
import Foundation
public import Layouts

/// The canonical specification of a job of kind `generate`.
///
/// Its hash is the job's identity: digests of the input files and every option that changes the output; not the job's
/// name, paths, batch sizes, priority or limit. Two runs with equal specifications are the same job.
public struct GenerateSpecification: Hashable, Sendable, Codable {
    /// The version that this program writes.
    static let currentVersion = 2

    /// The version of this record; a change of meaning raises it. Since 2 the subset rules are asked of the clipped box
    /// in the generated frame.
    public var version = Self.currentVersion
    /// The kind, always `generate`.
    public var kind = TaskKind.generate
    /// SHA-256 of the annotation file's text: unpacked where the file is gzip, without a byte order mark.
    public var annotations: SHA256Digest
    /// SHA-256 of the stuff annotation file, in the same way.
    public var stuff: SHA256Digest?
    /// SHA-256 of the list of image ids that restricts the subset, one id per line.
    public var imageIDs: SHA256Digest?
    /// Which subset rules were applied (docs/method.md, section 1).
    public var subset: SubsetProtocol
    /// Where the attributes come from.
    public var strategy: Strategy
    /// The rules of strategy `mixed`.
    public var rules: MixedRules?
    /// SHA-256 of the detections, in the same way; only where a detector is asked, as under strategy `origin`, like the
    /// next five.
    public var detections: SHA256Digest?
    /// SHA-256 of the list of images that the detector saw.
    public var detectedImages: SHA256Digest?
    /// Score threshold gamma of eq. 2.
    public var gamma: Double?
    /// IoU threshold beta of eq. 2.
    public var beta: Double?
    /// Whether a detection must have the object's category.
    public var sameClass: Bool?
    /// What happens to images that the detector did not see.
    public var uncovered: UncoveredPolicy?
    /// The form of the prompt (docs/method.md, section 2).
    public var template: PromptTemplate
    /// The location bins of the checkpoint.
    public var bins: Bins
    /// Width of a generated image in pixels.
    public var width: Int
    /// Height of a generated image in pixels.
    public var height: Int
    /// Images per layout; 1 where ``rebalance`` says how many.
    public var samples: Int
    /// What decides how often each layout is generated, where the set is evened out.
    public var rebalance: Rebalance?
    /// The seed from which every task's seed is derived.
    public var seed: UInt64
    /// The generator's name.
    public var generator: String
    /// SHA-256 over the checkpoint's weight files, where the generator has a checkpoint.
    public var checkpoint: SHA256Digest?
    /// Denoising steps, where the generator denoises.
    public var steps: Int?
    /// Classifier-free guidance scale, where the generator denoises.
    public var guidance: Double?
    /// What looks at each image before it is stored, where something does.
    public var gate: GateSpecification?
    /// True where layouts whose prompts the checkpoint's tokenizer does not take are left out.
    public var skipsUnfit: Bool?
    /// Tasks per shard.
    public var shardSize: Int

    /// The specification of a drawing job; the optional parts are set afterwards.
    public init(
        annotations: SHA256Digest, subset: SubsetProtocol, strategy: Strategy, template: PromptTemplate, bins: Bins,
        width: Int, height: Int, samples: Int, seed: UInt64, generator: String, shardSize: Int
    ) {
        self.annotations = annotations
        self.subset = subset
        self.strategy = strategy
        self.template = template
        self.bins = bins
        self.width = width
        self.height = height
        self.samples = samples
        self.seed = seed
        self.generator = generator
        self.shardSize = shardSize
    }

    /// What a worker needs to serve this job.
    public var capability: Capability {
        Capability(
            generator: generator, checkpointDigest: checkpoint?.hex, gateDigest: gate?.detectorDigest.hex)
    }

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

    /// Reads a specification from the catalogue or from a claimed batch, and refuses numbers outside ``JobRanges``.
    public init(json: String) throws(TaskError) {
        do {
            self = try JSONDecoder().decode(GenerateSpecification.self, from: Data(json.utf8))
        } catch {
            throw TaskError(
                .unreadable,
                "job specification: expected the JSON of a generate job, found something else "
                    + "(\(error)); was it written by a newer version?"
            )
        }
        try check()
    }
}

/// Compares two canonical specifications of any kind.
public enum SpecificationComparison {
    /// `field: recorded -> given` for each field that differs, in the order of the field names.
    public static func differences(recorded: String, given: String) throws(TaskError) -> [String] {
        let before = try fields(of: recorded)
        let after = try fields(of: given)
        return Set(before.keys).union(after.keys).sorted().compactMap { key in
            let (old, new) = (before[key] ?? "none", after[key] ?? "none")
            return old == new ? nil : "\(key): \(old) -> \(new)"
        }
    }

    private static func fields(of json: String) throws(TaskError) -> [String: String] {
        do {
            let object = try JSONSerialization.jsonObject(with: Data(json.utf8))
            guard let dictionary = object as? [String: Any] else {
                throw TaskError(.unreadable, "job specification: expected a JSON object, found another value")
            }
            return try dictionary.mapValues { value in
                let data = try JSONSerialization.data(withJSONObject: value, options: [.fragmentsAllowed, .sortedKeys])
                return String(decoding: data, as: UTF8.self)
            }
        } catch let error as TaskError {
            throw error
        } catch {
            throw TaskError(.unreadable, "job specification: expected JSON, found \(json.prefix(80))")
        }
    }
}
