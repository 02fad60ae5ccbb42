// A plan: the layouts of a subset under a strategy.

/// Where attributes come from under ``Strategy/origin``, and under ``Strategy/mixed`` where its rules say so.
public struct AttributeSource: Sendable {
    /// What the detector reported.
    public var detections: DetectionSet
    /// The images that the detector was run on; `nil` for those with at least one detection.
    public var detectedImages: Set<Int>?
    /// Equation 2's thresholds.
    public var rule: AttributeRule
    /// What happens to images that the detector was not run on.
    public var uncovered: UncoveredPolicy

    /// Makes a source.
    public init(
        detections: DetectionSet, detectedImages: Set<Int>? = nil, rule: AttributeRule = AttributeRule(),
        uncovered: UncoveredPolicy = .fail
    ) {
        self.detections = detections
        self.detectedImages = detectedImages
        self.rule = rule
        self.uncovered = uncovered
    }

    func covers(_ image: Int) -> Bool { detectedImages?.contains(image) ?? (detections.byImage[image] != nil) }

    /// What equation 2 says of an object of `image`.
    func attribute(of object: SelectedObject, in image: AnnotatedImage) -> Attribute {
        rule.attribute(of: object, detections: detections.detections(in: image.id))
    }
}

/// The layouts of a job, in image order, with their statistics; made by `make`.
public struct LayoutPlan: Sendable {
    /// One layout for each image, in the order of the annotation file.
    public var layouts: [Layout]
    /// What the plan holds and what was dropped.
    public var statistics: PlanStatistics
}
