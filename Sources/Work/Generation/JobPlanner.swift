// From annotation files and options to a job: read, select, label, describe.

import Layouts
import Tasks

/// Plans jobs.
public enum JobPlanner {
    /// Reads the request's files, each once, and applies the rules of docs/method.md, section 1, and the attributes and
    /// strategies of section 3.
    /// - Throws: `LayoutError` for the files' contents, ``TaskError`` for options that contradict one another.
    public static func plan(_ request: JobRequest) throws -> PlannedJob {
        try checkNumbers(request)
        try checkRules(request)
        try checkDetections(request)
        let inputs = try JobInputs(request)
        let survey = try InputSurvey(inputs, request)
        let subset = try Subset.select(
            things: inputs.things, stuff: inputs.stuff, protocol: request.subset, imageIDs: inputs.imageIDs,
            frame: (request.width, request.height))
        let judge = try inputs.specification.rules.map { rules throws(LayoutError) in
            try RuleJudge(rules, for: subset, seed: request.seed)
        }
        var plan = try fitting(try label(subset, request, judge, inputs.attributes), request)
        guard !plan.layouts.isEmpty else {
            throw NothingKept(request, images: inputs.things.images.count, statistics: plan.statistics).error
        }
        try checkNames(of: plan, request)
        plan.statistics.rules = judge?.outcomes(in: plan.layouts)
        let remarks =
            survey.remarks + (judge?.remarks(on: plan.statistics.rules ?? []) ?? [])
            + (inputs.specification.gate?.remarks(on: plan.statistics) ?? [])
        let images = min(plan.layouts.count, request.limit ?? Int.max)
        var job = PlannedJob(
            specification: inputs.specification, plan: plan, categories: inputs.categories, images: images,
            taskCount: images * request.samples, remarks: remarks, annotatedBoxes: survey.annotatedBoxes,
            detections: survey.detections)
        if let rebalance = request.rebalance { try job.rebalance(rebalance, real: inputs.things, limit: request.limit) }
        return job
    }

    private static func label(
        _ subset: Subset, _ request: JobRequest, _ judge: RuleJudge?, _ attributes: AttributeSource?
    ) throws(LayoutError) -> LayoutPlan {
        guard let judge else {
            return try LayoutPlan.make(subset: subset, strategy: request.strategy, attributes: attributes)
        }
        return try LayoutPlan.make(subset: subset, rules: judge, attributes: attributes)
    }

    private static func require(_ condition: Bool, _ message: String) throws(TaskError) {
        guard condition else { throw TaskError(.invalid, message) }
    }

    private static func checkNumbers(_ request: JobRequest) throws(TaskError) {
        for (name, value) in [("width", request.width), ("height", request.height)] {
            try require(
                JobRanges.isSide(value),
                "--size: expected a \(name) from 8 to 4096 that is a multiple of 8 (latents are 1/8 of "
                    + "it), found \(value)"
            )
        }
        try require(
            JobRanges.samples.contains(request.samples), "--samples: expected 1 to 1000, found \(request.samples)")
        try checkRebalance(request)
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
    }

    private static func checkRebalance(_ request: JobRequest) throws(TaskError) {
        guard let rebalance = request.rebalance else { return }
        try require(
            request.samples == 1,
            "--samples: --rebalance decides how often each layout is generated; drop one of the two")
        let (repeats, range) = (rebalance.maximumRepeats, Rebalance.repeatRange)
        try require(
            range.contains(repeats),
            "--max-repeats: expected \(range.lowerBound) to \(range.upperBound), found \(repeats)")
        if case .repeatFactor(let threshold) = rebalance.target {
            try require(
                rebalance.by == .frequency,
                "--target repeat-factor: it is for --rebalance frequency; choose uniform or square-root, or give a file"
            )
            try require(
                threshold > 0 && threshold <= 1,
                "--target repeat-factor: expected a threshold above 0 and up to 1, found \(threshold)")
        }
        let sides = Rebalance.gridSides
        if let grid = rebalance.grid {
            try require(
                sides.contains(grid.columns) && sides.contains(grid.rows),
                "--grid: expected \(sides.lowerBound) to \(sides.upperBound) cells a side, found \(grid)")
        }
    }

    /// Rules and strategy `mixed` come together.
    private static func checkRules(_ request: JobRequest) throws(TaskError) {
        let isMixed = request.strategy == .mixed
        try require(
            isMixed || request.rules == nil,
            "--rules: strategy \(request.strategy.rawValue) has none; drop the option, or use --strategy mixed")
        try require(!isMixed || request.rules != nil, "--strategy mixed: expected --rules FILE beside it, found none")
    }

    /// A detector's results come with strategies that ask it: `origin`, and `mixed` where its rules say so.
    private static func checkDetections(_ request: JobRequest) throws(TaskError) {
        let isOrigin = request.strategy == .origin
        try require(
            isOrigin || request.strategy == .mixed || request.detections == nil,
            "--detections: strategy \(request.strategy.rawValue) labels every object alike; drop the "
                + "option, or use --strategy origin"
        )
        try require(
            !isOrigin || request.detections != nil,
            "--strategy origin: its labels come from a detector; give its results in COCO format with --detections FILE"
        )
        try require(
            request.detectedImages == nil || isOrigin || request.detections != nil,
            "--detected-images: it is read beside --detections only; drop the option")
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
