// Why a subset is empty, and what would fill it.

import Layouts

/// A plan without an image.
struct NothingKept {
    private let request: JobRequest
    private let images: Int
    private let drops: [RuleCount]
    private let droppedImages: [RuleCount]

    /// Describes the plan of `request`, which dropped all of `images` images.
    init(_ request: JobRequest, images: Int, statistics: PlanStatistics) {
        self.request = request
        self.images = images
        droppedImages = statistics.droppedImages.filter { $0.count > 0 }
        drops = statistics.droppedAnnotations.filter { $0.count > 0 } + droppedImages
    }

    /// The one line that says so.
    var error: LayoutError {
        let rules = drops.map { "\($0.rule.rawValue) \($0.count)" }.joined(separator: ", ")
        return LayoutError(
            .content,
            "cannot plan a job from \(request.annotations): expected images that pass the \(request.subset.rawValue) "
                + "rules, found none of \(images)\(rules.isEmpty ? "" : " (dropped: \(rules))"); \(advice)")
    }

    private func dropped(_ rule: DropReason) -> Int { drops.first { $0.rule == rule }?.count ?? 0 }

    /// What fits most of the dropped images, and the objects that they lack.
    private var advice: String {
        guard images > 0 else { return "give a file that lists images" }
        let rule = droppedImages.max { $0.count < $1.count }?.rule
        let counts = "\(SubsetRules.paperObjectCounts.lowerBound) to \(SubsetRules.paperObjectCounts.upperBound)"
        switch rule {
        case .notListed: return "give the --image-ids of this annotation file"
        case .withoutStuff: return "give the --stuff annotations of these images"
        case .shortSide:
            return "their shorter sides are under \(SubsetRules.smallestImageSide) pixels; keep them with --subset all"
        case .uncovered: return "run the detector on them, or choose --uncovered hard"
        case .prompt: return "choose another --template"
        case .tooManyObjects: return "these rules want \(counts) objects an image; keep all with --subset all"
        default: break
        }
        if let advice = adviceOnObjects { return advice }
        return request.subset == .all
            ? "give annotations with objects"
            : "these rules want \(counts) objects an image, each on more than 2 % of it; keep all images and objects with "
                + "--subset all"
    }

    /// Where a rule about objects emptied the images: what mends it.
    private var adviceOnObjects: String? {
        let lost = drops.filter { DropReason.ofAnnotations.contains($0.rule) && $0.rule != .imageDropped }
        guard dropped(.imageDropped) == 0, let most = lost.max(by: { $0.count < $1.count }) else { return nil }
        switch most.rule {
        case .withoutArea: return "their \"area\" is 0: leave the key out for the boxes' areas"
        case .degenerate: return "boxes are [x,y,width,height] in pixels, at least one wide and high"
        case .outside: return "boxes are [x,y,width,height] in pixels of their own image"
        case .subpixel:
            return "the boxes are under a pixel at \(request.width)x\(request.height); choose a larger --size"
        case .crowd, .ignored: return "crowds and regions to be ignored are no objects to generate"
        default: return nil
        }
    }
}
