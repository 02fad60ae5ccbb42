// A detect job that could be recorded: one task for each image of a subset.

public import Catalogue
import Digests
import Foundation
public import Layouts
public import Tasks

/// A detect job that is ready to be enqueued.
public struct PlannedDetection: Sendable {
    /// What makes the job the job it is.
    public let specification: DetectSpecification
    /// The images within the limit, with the objects that the detector is to judge.
    public let images: [PendingLayout]
    /// The annotation files' categories.
    public let categories: [Layouts.Category]
    /// What the subset holds and what was dropped; attributes are not known yet.
    public let statistics: PlanStatistics

    /// Reads the request's files, each once, and applies the rules of docs/method.md, section 1.
    /// - Throws: `LayoutError` for the files' contents, `TaskError` for options that contradict one another.
    public init(_ request: DetectRequest) throws {
        try Self.check(request)
        let (things, digest) = try JobInputs.hashed { onText throws(LayoutError) in
            try AnnotationSet.read(path: request.annotations, onText: onText)
        }
        if let cause = things.boxes.likelyCause {
            throw LayoutError(
                .content,
                "cannot plan a job from \(request.annotations): expected boxes [x,y,width,height] in pixels of their images, "
                    + "found \(cause.found); \(cause.fix)")
        }
        let stuff = try request.stuff.map { path throws(LayoutError) in
            try JobInputs.hashed { onText throws(LayoutError) in
                try AnnotationSet.read(path: path, isStuff: true, onText: onText)
            }
        }
        let imageIDs = try request.imageIDs.map { path throws(LayoutError) in try ImageIDList.read(path: path) }
        let subset = try Subset.select(
            things: things, stuff: stuff?.value, protocol: request.subset, imageIDs: imageIDs,
            frame: (request.width, request.height))
        guard !subset.images.isEmpty else {
            throw LayoutError(
                .content,
                "cannot plan a job from \(request.annotations): expected images that pass the \(request.subset.rawValue) rules, "
                    + "found none of \(things.images.count); keep all images and objects with --subset all")
        }
        var specification = DetectSpecification(
            annotations: digest, subset: request.subset, width: request.width, height: request.height,
            detector: request.detector, detectorDigest: request.detectorDigest,
            classes: try request.classes(things.categories), rule: request.rule, shardSize: request.shardSize)
        specification.stuff = stuff?.digest
        specification.imageIDs = imageIDs.map(JobInputs.digest(ofIDs:))
        self.specification = specification
        // What the detector names is pending; stuff is background.
        let plan = try LayoutPlan.make(subset: subset, strategy: .hard, attributes: nil)
        images = plan.layouts.prefix(request.limit ?? Int.max).map { layout in
            PendingLayout(
                layout, pending: Set(layout.objects.indices.filter { layout.objects[$0].attribute != .background }))
        }
        var statistics = plan.statistics
        statistics.attributes = []
        self.statistics = statistics
        categories = subset.categories
    }

    private static func check(_ request: DetectRequest) throws(TaskError) {
        for (name, side) in [("width", request.width), ("height", request.height)] where !JobRanges.isSide(side) {
            throw TaskError(
                .invalid, "--size: expected a \(name) from 8 to 4096 that is a multiple of 8, found \(side)")
        }
        guard JobRanges.shardSizes.contains(request.shardSize) else {
            throw TaskError(
                .invalid,
                "--shard-size: expected 1 to \(JobRanges.shardSizes.upperBound), found \(request.shardSize)")
        }
        if let limit = request.limit, limit < 1 {
            throw TaskError(.invalid, "--limit: expected at least 1, found \(limit)")
        }
    }

    /// Shards of the tasks.
    public var shardCount: Int { (images.count + specification.shardSize - 1) / specification.shardSize }

    /// Objects of the images within the limit.
    public var objectCount: Int { images.reduce(0) { $0 + $1.layout.objects.count } }

    /// The task with this number in the job.
    public func task(_ number: Int) -> TaskDraft {
        TaskDraft(imageID: images[number].layout.imageID, sample: 0, payload: images[number].encoded())
    }

    /// The job under a name; nothing follows its shards.
    public func draft(name: String, lane: Lane, hintSize: Int?) throws -> JobDraft {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return JobDraft(
            name: name, kind: .detect, capability: specification.capability, lane: lane, strategy: nil,
            specification: try specification.canonicalJSON(),
            categories: String(decoding: try encoder.encode(categories), as: UTF8.self),
            statistics: String(decoding: try encoder.encode(statistics), as: UTF8.self), followUp: nil,
            shardSize: specification.shardSize, hintSize: hintSize)
    }
}
