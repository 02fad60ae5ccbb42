// Making a plan: each object's attribute, then layouts and their statistics.

import ErrorLines

extension LayoutPlan {
    /// Gives every object of a subset its attribute and makes the layouts.
    ///
    /// A detector names the things of the annotation file: stuff is `[background]` under every strategy, and under
    /// ``Strategy/origin`` everything else is judged by equation 2. Throws when origin has no source, when images are
    /// uncovered and the policy is ``UncoveredPolicy/fail``, when detections lie in images that the list of detected
    /// images lacks, and when a same-class rule meets detections of categories that the annotations do not have.
    /// ``Strategy/mixed`` is made from its rules, by `make(subset:rules:attributes:)`.
    public static func make(
        subset: Subset, strategy: Strategy, attributes: AttributeSource?
    ) throws(LayoutError) -> LayoutPlan {
        precondition(strategy != .mixed, "a plan of strategy mixed is made from its rules")
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
            throw uncoveredError(.origin, uncovered, of: subset.images.count)
        }
        return build(subset, uncovered: uncovered.count) { image in
            if attributes.uncovered == .skip, !attributes.covers(image.id) { return nil }
            return { $0.category.isStuff ? .background : attributes.attribute(of: $0, in: image) }
        }
    }

    static func uncoveredError(_ strategy: Strategy, _ uncovered: [Int], of images: Int) -> LayoutError {
        LayoutError(
            .uncovered,
            "cannot plan strategy \(strategy.rawValue): expected detections for all \(images) images"
                + "\(strategy == .mixed ? " that the rules ask a detector about" : ""), found \(uncovered.count) that the "
                + "detector was not run on (\(LayoutError.list(uncovered))); run the detector on "
                + "them, list the images it was run on (--detected-images), or choose --uncovered skip or hard")
    }

    /// Refuses inputs that contradict each other.
    static func check(_ source: AttributeSource, for subset: Subset) throws(LayoutError) {
        if source.detectedImages != nil {
            let contradicting = subset.images.map(\.image.id).filter {
                !source.covers($0) && source.detections.byImage[$0] != nil
            }
            guard contradicting.isEmpty else {
                throw LayoutError(
                    .content,
                    "cannot use the detections: expected every image with detections in the list of "
                        + "detected images, found "
                        + "\(contradicting.count) missing (\(LayoutError.list(contradicting))); "
                        + "give the list that belongs to these detections")
            }
        }
        if source.rule.sameClass { try checkCategories(of: source.detections, for: subset.categories) }
    }

    /// Refuses detections whose category ids are of another numbering: no object would ever be of their class.
    ///
    /// A detector trained on COCO names all 80 things, also beside a file that lists some of COCO's categories only.
    private static func checkCategories(
        of detections: DetectionSet, for categories: [Category]
    ) throws(LayoutError) {
        let things = categories.filter { !$0.isStuff }
        var known = Set(things.map(\.id))
        if CocoCategories.contain(things) { known.formUnion(CocoCategories.things.map(\.id)) }
        let strange = Set(detections.byImage.values.lazy.joined().map(\.categoryID)).subtracting(known).sorted()
        guard strange.isEmpty else {
            let names = things.prefix(3).map { "\($0.id) \(ErrorLine.quoted($0.name))" }.joined(separator: ", ")
            throw LayoutError(
                .content,
                "cannot match detections by class: expected category ids of the annotations (\(names)"
                    + "\(things.count > 3 ? ", …" : "")), found \(strange.count) others (\(LayoutError.list(strange))); write "
                    + "the detections with the annotations' ids, or leave out --same-class")
        }
    }

    /// Makes the layouts; `judge` gives the rule for an image's objects, or `nil` to leave the image out.
    static func build(
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
