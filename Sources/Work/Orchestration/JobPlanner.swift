// From annotation files and options to a job: read, select, label, describe.

public import Catalogue
public import Digests
import Foundation
public import Layouts
public import Tasks

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
    /// The most images; tasks are images times samples.
    public var limit: Int?
    /// What the objects are labelled.
    public var strategy: Strategy
    /// A file in COCO's results format, for strategy `origin`.
    public var detections: String?
    /// A file with the ids of the images that the detector was run on.
    public var detectedImages: String?
    /// The thresholds of eq. 2, for strategy `origin`.
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
    /// The seed from which every task's seed is derived.
    public var seed: UInt64 = 0
    /// The generator's name.
    public var generator = GeneratorName.sketch
    /// SHA-256 over the generator's checkpoint, where it has one.
    public var checkpoint: SHA256Digest?
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

/// A job that is ready to be enqueued.
public struct PlannedJob: Sendable {
    /// What makes the job the job it is.
    public var specification: GenerateSpecification
    /// All layouts of the subset; ``taskCount`` says how many of them the limit leaves.
    public var plan: LayoutPlan
    /// The annotation files' categories, as exports list them.
    public var categories: [Layouts.Category]
    /// Layouts within the limit.
    public var images: Int
    /// Images times samples.
    public var taskCount: Int
    /// What is odd about the input files.
    public var remarks: [InputRemark] = []
    /// What the annotated boxes look like.
    public var annotatedBoxes = BoxSurvey()
    /// What the detections look like, for strategy `origin`.
    public var detections: DetectionSurvey?

    /// Shards of the tasks.
    public var shardCount: Int { (taskCount + specification.shardSize - 1) / specification.shardSize }

    /// About how many bytes the images will take, loose or packed: half of the raw pixels, as PNGs of photographs do.
    public var estimatedBytes: Int { taskCount * specification.width * specification.height * 3 / 2 }

    /// The task with this number in the job: image-major, so that a larger limit only adds tasks at the end.
    public func task(_ number: Int) throws(TaskError) -> TaskDraft {
        let layout = plan.layouts[number / specification.samples]
        let sample = number % specification.samples
        let task = LayoutTask(
            layout: layout, prompt: specification.template.prompt(for: layout, bins: specification.bins),
            sample: sample,
            seed: LayoutTask.seed(jobSeed: specification.seed, imageID: layout.imageID, sample: sample))
        return TaskDraft(imageID: layout.imageID, sample: sample, payload: try task.encoded())
    }

    /// The queue of its hints.
    public func queue(_ lane: Lane) -> WorkQueue {
        WorkQueue(kind: .generate, capability: specification.capability, lane: lane)
    }

    /// The job under a name.
    public func draft(name: String, lane: Lane, hintSize: Int?) throws -> JobDraft {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return JobDraft(
            name: name, kind: .generate, capability: specification.capability, lane: lane,
            strategy: specification.strategy.rawValue, specification: try specification.canonicalJSON(),
            categories: String(decoding: try encoder.encode(categories), as: UTF8.self),
            statistics: String(decoding: try encoder.encode(plan.statistics), as: UTF8.self), followUp: .packing,
            shardSize: specification.shardSize, hintSize: hintSize)
    }
}

/// Plans jobs.
public enum JobPlanner {
    /// Reads the request's files, each once, and applies the rules of docs/method.md, section 1, and the attributes and
    /// strategies of section 3.
    /// - Throws: `LayoutError` for the files' contents, ``TaskError`` for options that contradict one another.
    public static func plan(_ request: JobRequest) throws -> PlannedJob {
        try check(request)
        let inputs = try JobInputs(request)
        let survey = try InputSurvey(inputs, request)
        let subset = try Subset.select(
            things: inputs.things, stuff: inputs.stuff, protocol: request.subset, imageIDs: inputs.imageIDs,
            frame: (request.width, request.height))
        let plan = try fitting(
            try LayoutPlan.make(subset: subset, strategy: request.strategy, attributes: inputs.attributes), request)
        guard !plan.layouts.isEmpty else {
            throw NothingKept(request, images: inputs.things.images.count, statistics: plan.statistics).error
        }
        try checkNames(of: plan, request)
        let images = min(plan.layouts.count, request.limit ?? Int.max)
        return PlannedJob(
            specification: inputs.specification, plan: plan, categories: inputs.categories, images: images,
            taskCount: images * request.samples, remarks: survey.remarks, annotatedBoxes: survey.annotatedBoxes,
            detections: survey.detections)
    }

    private static func check(_ request: JobRequest) throws(TaskError) {
        func require(_ condition: Bool, _ message: String) throws(TaskError) {
            guard condition else { throw TaskError(.invalid, message) }
        }
        for (name, value) in [("width", request.width), ("height", request.height)] {
            try require(
                JobRanges.isSide(value),
                "--size: expected a \(name) from 8 to 4096 that is a multiple of 8 (latents are 1/8 of "
                    + "it), found \(value)"
            )
        }
        try require(
            JobRanges.samples.contains(request.samples), "--samples: expected 1 to 1000, found \(request.samples)")
        let largest = JobRanges.shardSizes.upperBound
        try require(
            JobRanges.shardSizes.contains(request.shardSize),
            "--shard-size: expected 1 to \(largest), since a shard is packed, checked and exported as a whole, found "
                + "\(request.shardSize)")
        try require(request.limit.map { $0 >= 1 } ?? true, "--limit: expected at least 1, found \(request.limit ?? 0)")
        try require(
            JobRanges.seeds.contains(request.seed),
            "--seed: expected less than 2^53, which every JSON reader holds exactly, found \(request.seed)")
        try require(
            request.steps.map(JobRanges.steps.contains) ?? true,
            "--steps: expected 1 to 10000, found \(request.steps ?? 0)")
        try require(
            request.guidance.map(JobRanges.guidance.contains) ?? true,
            "--guidance: expected a number from 0 to 1000, found \(request.guidance ?? 0)")
        let isOrigin = request.strategy == .origin
        try require(
            isOrigin || request.detections == nil,
            "--detections: strategy \(request.strategy.rawValue) labels every object alike; drop the "
                + "option, or use --strategy origin"
        )
        try require(
            !isOrigin || request.detections != nil,
            "--strategy origin: its labels come from a detector; give its results in COCO format with --detections FILE"
        )
        try require(
            request.detectedImages == nil || isOrigin,
            "--detected-images: only strategy origin reads it; drop the option")
    }

    /// A category's name goes into prompts as it is: one that holds a token would say something else there.
    private static func checkNames(of plan: LayoutPlan, _ request: JobRequest) throws(LayoutError) {
        let named = Dictionary(plan.layouts.lazy.flatMap(\.objects).map { ($0.categoryID, $0.category) }) { first, _ in
            first
        }
        for (id, name) in named.sorted(by: { $0.key < $1.key }) {
            guard let token = Layouts.Category(id: id, name: name).promptToken else { continue }
            throw LayoutError(
                .content,
                "cannot plan a job from \(request.annotations): expected category names without the prompt's own tokens, "
                    + "found \(token) in the name '\(name)' of category \(id); rename that category")
        }
    }

    /// The layouts whose prompts the generator can take. Nothing is ever cut in silence.
    private static func fitting(_ plan: LayoutPlan, _ request: JobRequest) throws(LayoutError) -> LayoutPlan {
        guard let fault = request.promptFault else { return plan }
        var unfit: [(image: Int, fault: String)] = []
        for layout in plan.layouts {
            let prompt = request.template.prompt(for: layout, bins: request.bins)
            if let fault = fault(prompt) { unfit.append((layout.imageID, fault)) }
        }
        guard let first = unfit.first else { return plan }
        guard request.skipsUnfit else {
            let images = unfit.prefix(20).map { String($0.image) }.joined(separator: ", ")
            throw LayoutError(
                .content,
                "cannot plan a job from \(request.annotations): expected prompts that the checkpoint's tokenizer takes, "
                    + "found \(unfit.count) of \(plan.layouts.count) images whose prompts do not fit (image \(first.image): "
                    + "\(first.fault); all: \(images)\(unfit.count > 20 ? ", …" : "")); choose another --template, or leave "
                    + "them out with --skip-unfit")
        }
        let images = Set(unfit.map(\.image))
        return plan.dropping { images.contains($0.imageID) }
    }
}
