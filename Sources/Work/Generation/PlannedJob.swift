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
