// Making a plan: each object's attribute, then layouts and their statistics.

extension LayoutPlan {
    /// Gives every object of a subset its attribute and makes the layouts.
    ///
    /// Stuff is `[background]` under every strategy. Under ``Strategy/origin`` so is a thing that the detector has no
    /// name for; everything else is judged by equation 2. Throws when origin has no source, when images are uncovered
    /// and the policy is ``UncoveredPolicy/fail``, when detections lie in images that the list of detected images
    /// lacks, and when a same-class rule meets detections of categories that the annotations do not have.
    public static func make(
        subset: Subset, strategy: Strategy, attributes: AttributeSource?
    ) throws(LayoutError) -> LayoutPlan {
        guard strategy == .origin else {
            let attribute: Attribute = strategy == .easy ? .easy : .hard
            return build(subset, uncovered: 0) { _ in { $0.category.isStuff ? .background : attribute } }
        }
        guard let attributes else {
            throw LayoutError(
                .options,
                "cannot plan strategy origin: it needs a detector's results, found none; "
                    + "give a COCO results file, or choose strategy hard or easy")
        }
        try check(attributes, for: subset)
        let uncovered = subset.images.map(\.image.id).filter { !attributes.covers($0) }
        guard uncovered.isEmpty || attributes.uncovered != .fail else {
            throw LayoutError(
                .uncovered,
                "cannot plan strategy origin: expected detections for all \(subset.images.count) images, found "
                    + "\(uncovered.count) that the detector was not run on "
                    + "(\(LayoutError.list(uncovered))); run the detector on "
                    + "them, list the images it was run on, or choose the uncovered policy skip or hard")
        }
        let nameable = attributes.nameableCategoryIDs ?? AttributeSource.defaultNameableCategoryIDs
        return build(subset, uncovered: uncovered.count) { image in
            if attributes.uncovered == .skip, !attributes.covers(image.id) { return nil }
            let detections = attributes.detections.detections(in: image.id)
            return { object in
                guard !object.category.isStuff, nameable.contains(object.category.id) else { return .background }
                return attributes.rule.attribute(of: object, detections: detections)
            }
        }
    }

    /// Refuses inputs that contradict each other.
    private static func check(_ source: AttributeSource, for subset: Subset) throws(LayoutError) {
        if source.detectedImages != nil {
            let contradicting = subset.images.map(\.image.id).filter {
                !source.covers($0) && source.detections.byImage[$0] != nil
            }
            guard contradicting.isEmpty else {
                throw LayoutError(
                    .content,
                    "cannot plan strategy origin: expected every image with detections in the list of "
                        + "detected images, found "
                        + "\(contradicting.count) missing (\(LayoutError.list(contradicting))); "
                        + "give the list that belongs to these detections")
            }
        }
        guard source.rule.sameClass else { return }
        let known = Set(subset.categories.map(\.id)).union(AttributeSource.defaultNameableCategoryIDs)
        let strange = Set(source.detections.byImage.values.lazy.joined().map(\.categoryID)).subtracting(known).sorted()
        guard strange.isEmpty else {
            throw LayoutError(
                .content,
                "cannot match detections by class: expected category ids of the annotations, found "
                    + "\(strange.count) others "
                    + "(\(LayoutError.list(strange))); write the detections with COCO's original ids, 1 to 90")
        }
    }

    /// Makes the layouts; `judge` gives the rule for an image's objects, or `nil` to leave the image out.
    private static func build(
        _ subset: Subset, uncovered: Int, judge: (AnnotatedImage) -> ((SelectedObject) -> Attribute)?
    ) -> LayoutPlan {
        var layouts: [Layout] = []
        var droppedObjects = 0
        layouts.reserveCapacity(subset.images.count)
        for selected in subset.images {
            guard let attribute = judge(selected.image) else {
                droppedObjects += selected.objects.count
                continue
            }
            layouts.append(Layout(selected, attribute: attribute))
        }
        let drops = subset.drops.adding(
            uncoveredImages: subset.images.count - layouts.count, withObjects: droppedObjects)
        return LayoutPlan(
            layouts: layouts,
            statistics: PlanStatistics(layouts, drops: drops, categories: subset.categories, uncovered: uncovered))
    }
}

extension Layout {
    fileprivate init(_ selected: SelectedImage, attribute: (SelectedObject) -> Attribute) {
        let objects = selected.objects.map { object in
            LayoutObject(
                annotationID: object.annotation.id, categoryID: object.category.id, category: object.category.name,
                box: object.box, attribute: attribute(object))
        }
        self.init(
            imageID: selected.image.id, fileName: selected.image.fileName, width: selected.image.width,
            height: selected.image.height, objects: objects)
    }
}

extension SubsetDrops {
    fileprivate func adding(uncoveredImages: Int, withObjects objects: Int) -> SubsetDrops {
        SubsetDrops(
            annotations: annotations.map {
                RuleCount(rule: $0.rule, count: $0.count + ($0.rule == .imageDropped ? objects : 0))
            },
            images: images.map {
                RuleCount(rule: $0.rule, count: $0.count + ($0.rule == .uncovered ? uncoveredImages : 0))
            })
    }
}

extension PlanStatistics {
    fileprivate init(_ layouts: [Layout], drops: SubsetDrops, categories: [Category], uncovered: Int) {
        var byCategory: [Int: Int] = [:]
        var byAttribute: [Attribute: Int] = [:]
        for object in layouts.lazy.flatMap(\.objects) {
            byCategory[object.categoryID, default: 0] += 1
            byAttribute[object.attribute, default: 0] += 1
        }
        self.init(
            images: layouts.count, objects: byAttribute.values.reduce(0, +), droppedAnnotations: drops.annotations,
            droppedImages: drops.images,
            categories: categories.map { CategoryCount(name: $0.name, objects: byCategory[$0.id] ?? 0) },
            attributes: Attribute.allCases.map { AttributeCount(attribute: $0, objects: byAttribute[$0] ?? 0) },
            uncoveredImages: uncovered)
    }
}
