// A job that could be recorded: its specification and its tasks by number.

public import Catalogue
import Foundation
public import Layouts
public import Tasks

/// A job that is ready to be enqueued.
public struct PlannedJob: Sendable {
    /// What makes the job the job it is.
    public var specification: GenerateSpecification
    /// All layouts of the subset; ``taskCount`` says how many of them the limit leaves.
    public var plan: LayoutPlan
    /// The annotation files' categories, as exports list them.
    public var categories: [Layouts.Category]
    /// Layouts within the limit; those that are generated, where the set is evened out.
    public var images: Int
    /// Layouts times samples, or the images of ``rebalanced``.
    public var taskCount: Int
    /// Which images are generated, where the set is evened out.
    public var rebalanced: RebalancePlan?
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

    /// Objects of all images that are generated.
    public var objectCount: Int {
        (0..<taskCount).reduce(0) { $0 + plan.layouts[pick($1).layout].objects.count }
    }

    /// Which layout and sample a task is: image-major, or in the order in which images were chosen. Either way a larger
    /// limit only adds tasks at the end.
    private func pick(_ number: Int) -> LayoutPick {
        rebalanced?.picks[number]
            ?? LayoutPick(layout: number / specification.samples, sample: number % specification.samples)
    }

    /// Chooses what is generated so that it evens out the real set.
    mutating func rebalance(_ rebalance: Rebalance, real: AnnotationSet, limit: Int?) throws(LayoutError) {
        let chosen = try RebalancePlan(
            rebalance, layouts: plan.layouts, real: real, categories: categories,
            frame: (specification.width, specification.height), limit: limit ?? plan.layouts.count)
        guard !chosen.picks.isEmpty else {
            throw LayoutError(
                .content,
                "cannot rebalance: expected an image that brings the set nearer to its target, found none among "
                    + "\(plan.layouts.count) layouts; choose another --target or --rebalance, or leave it out")
        }
        rebalanced = chosen
        images = chosen.report.layouts
        taskCount = chosen.picks.count
        remarks += chosen.report.remarks
    }

    /// The task with this number in the job.
    public func task(_ number: Int) throws(TaskError) -> TaskDraft {
        let pick = pick(number)
        let (layout, sample) = (plan.layouts[pick.layout], pick.sample)
        let task = LayoutTask(
            layout: layout, prompt: specification.template.prompt(for: layout, bins: specification.bins),
            sample: sample,
            seed: LayoutTask.seed(jobSeed: specification.seed, imageID: layout.imageID, sample: sample))
        return TaskDraft(imageID: layout.imageID, sample: sample, payload: try task.encoded())
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
