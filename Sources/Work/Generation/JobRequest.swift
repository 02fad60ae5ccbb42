// What a user asks for: files, and how they become a job.

public import Digests
public import Layouts
import Tasks

/// Everything that a user says about a generate job.
public struct JobRequest: Sendable {
    /// The annotation file (things).
    public var annotations: String
    /// The stuff annotation file, for the fidelity subset.
    public var stuff: String?
    /// Which rules choose images and objects.
    public var subset: SubsetProtocol
    /// A file with the image ids to keep.
    public var imageIDs: String?
    /// The most layouts, tasks being layouts times samples; with ``rebalance`` the most images, the number of layouts where
    /// it is nil.
    public var limit: Int?
    /// What the objects are labelled.
    public var strategy: Strategy
    /// A file of rules, for strategy `mixed`.
    public var rules: String?
    /// A file in COCO's results format, for strategy `origin`, and for `mixed` where its rules say origin.
    public var detections: String?
    /// A file with the ids of the images that the detector was run on.
    public var detectedImages: String?
    /// The thresholds of eq. 2, where detections are given.
    public var rule = AttributeRule()
    /// What happens to images that the detector was not run on.
    public var uncovered = UncoveredPolicy.fail
    /// The form of the prompt.
    public var template = PromptTemplate.compact
    /// The location bins of the checkpoint.
    public var bins = Bins(columns: 256, rows: 256)
    /// Pixels of a generated image.
    public var width = 800
    /// Pixels of a generated image.
    public var height = 456
    /// Images per layout.
    public var samples = 1
    /// What decides how often each layout is generated, instead of ``samples``.
    public var rebalance: Rebalance?
    /// The seed from which every task's seed is derived.
    public var seed: UInt64 = 0
    /// The generator's name.
    public var generator = GeneratorName.sketch
    /// SHA-256 over the generator's checkpoint, where it has one.
    public var checkpoint: SHA256Digest?
    /// What looks at each image before it is stored, where something does.
    public var gate: GateRequest?
    /// Denoising steps, where the generator denoises.
    public var steps: Int?
    /// Classifier-free guidance scale, where the generator denoises.
    public var guidance: Double?
    /// Says why the generator's text encoder cannot take a prompt, where it can take all but some; nil for those it can.
    public var promptFault: (@Sendable (_ prompt: String) -> String?)?
    /// Whether layouts whose prompt it cannot take are left out and counted; else they fail the plan.
    public var skipsUnfit = false
    /// Tasks per shard.
    public var shardSize = 500

    /// A request with the defaults of the trainability protocol.
    public init(annotations: String, subset: SubsetProtocol, strategy: Strategy) {
        self.annotations = annotations
        self.subset = subset
        self.strategy = strategy
    }
}
