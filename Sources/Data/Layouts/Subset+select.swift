// Applying the subset rules, in their order.

extension Subset {
    /// Applies a protocol's rules to annotations.
    ///
    /// Rules are asked of the box that will be exported: clipped to its image, and at last in the generated frame.
    ///
    /// Per annotation, things first and then stuff, in file order: its box as annotated is at least one pixel wide and
    /// high, it meets the image, its clipped area over the image's exceeds 2 %, it is neither a crowd nor ignored, it
    /// is not the stuff `other`, its annotated area is above 0, its clipped box is at least one pixel wide and high in
    /// `frame`. Then per image: it is listed in `imageIDs`, it has a stuff annotation of any kind (fidelity), it keeps 3 to
    /// 8 objects, its shorter side is at least 32 pixels. Kept boxes are clipped to their image.
    ///
    /// - Parameters:
    ///   - things: Annotations of things; their images decide the order.
    ///   - stuff: Annotations of stuff: needed for fidelity, refused for trainability.
    ///   - subsetProtocol: Which rules.
    ///   - imageIDs: The only images to keep, in any order; `nil` for all. An id that `things` does not have
    ///     is an error.
    ///   - frame: Width and height of generated images in pixels; `nil` for those of each original.
    public static func select(
        things: AnnotationSet, stuff: AnnotationSet?, protocol subsetProtocol: SubsetProtocol, imageIDs: [Int]? = nil,
        frame: (width: Int, height: Int)? = nil
    ) throws(LayoutError) -> Subset {
        try checkInputs(things: things, stuff: stuff, subsetProtocol)
        var selection = SubsetSelection(things: things, stuff: stuff, rules: SubsetRules(subsetProtocol), frame: frame)
        if let imageIDs { try selection.restrict(to: imageIDs) }
        selection.addObjects(of: things, areStuff: false)
        if let stuff { selection.addObjects(of: stuff, areStuff: true) }
        return selection.finish()
    }

    private static func checkInputs(
        things: AnnotationSet, stuff: AnnotationSet?, _ subsetProtocol: SubsetProtocol
    ) throws(LayoutError) {
        guard let stuff else {
            guard subsetProtocol != .fidelity else {
                throw LayoutError(
                    .options,
                    "cannot select the subset: protocol fidelity needs stuff annotations, found none; "
                        + "give a stuff annotation file, or choose protocol trainability")
            }
            return
        }
        guard subsetProtocol != .trainability else {
            throw LayoutError(
                .options,
                "cannot select the subset: protocol trainability uses things only, found stuff annotations as well; "
                    + "leave them out, or choose protocol fidelity")
        }
        try checkAgreement(things: things, stuff: stuff)
    }

    private static func checkAgreement(things: AnnotationSet, stuff: AnnotationSet) throws(LayoutError) {
        let thingIDs = Set(things.categories.map(\.id))
        if let shared = stuff.categories.first(where: { thingIDs.contains($0.id) }) {
            throw LayoutError(
                .content,
                "cannot join things and stuff: expected different category ids, found id \(shared.id) "
                    + "(\(shared.name)) in both "
                    + "files; renumber the stuff above the things (cocostuff's begin at 92)")
        }
        let sizes = Dictionary(things.images.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        for image in stuff.images {
            guard let other = sizes[image.id] else { continue }
            guard other.width == image.width, other.height == image.height else {
                throw LayoutError(
                    .content,
                    "cannot join things and stuff: image \(image.id) is \(other.width)x\(other.height) "
                        + "in the things file, "
                        + "found \(image.width)x\(image.height) in the stuff file; give two files of the same images")
            }
        }
    }
}

/// The state of one selection.
private struct SubsetSelection {
    let rules: SubsetRules
    let images: [AnnotatedImage]
    let categories: [Category]
    private let frame: (width: Int, height: Int)?
    private let positions: [Int: Int]
    private let categoryByID: [Int: Category]
    private var objects: [[SelectedObject]]
    private var hasStuff: [Bool]
    private var isListed: [Bool]
    private var dropped: [DropReason: Int] = [:]

    init(things: AnnotationSet, stuff: AnnotationSet?, rules: SubsetRules, frame: (width: Int, height: Int)?) {
        self.rules = rules
        self.frame = frame
        images = things.images
        categories = things.categories + (stuff?.categories ?? [])
        positions = Dictionary(images.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
        categoryByID = Dictionary(categories.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        objects = Array(repeating: [], count: images.count)
        hasStuff = Array(repeating: false, count: images.count)
        isListed = Array(repeating: true, count: images.count)
    }

    mutating func restrict(to ids: [Int]) throws(LayoutError) {
        let unknown = ids.filter { positions[$0] == nil }
        guard unknown.isEmpty else {
            throw LayoutError(
                .missingImages,
                "cannot select the listed images: expected every listed id in the annotations, found "
                    + "\(unknown.count) of "
                    + "\(ids.count) missing (\(LayoutError.list(unknown))); give the list that belongs to "
                    + "this annotation file"
            )
        }
        let listed = Set(ids)
        isListed = images.map { listed.contains($0.id) }
    }

    mutating func addObjects(of set: AnnotationSet, areStuff: Bool) {
        for annotation in set.annotations {
            guard let position = positions[annotation.imageID], let category = categoryByID[annotation.categoryID]
            else {
                dropped[.unknownImage, default: 0] += 1
                continue
            }
            if areStuff { hasStuff[position] = true }
            let image = images[position]
            let box = annotation.box.clipped(toWidth: Double(image.width), height: Double(image.height))
            if let reason = reasonToDrop(annotation, clipped: box, category, in: image) {
                dropped[reason, default: 0] += 1
                continue
            }
            objects[position].append(SelectedObject(annotation: annotation, category: category, box: box))
        }
    }

    /// The first rule that an annotation fails.
    private func reasonToDrop(
        _ annotation: Annotation, clipped: Box, _ category: Category, in image: AnnotatedImage
    ) -> DropReason? {
        let (box, smallest) = (annotation.box, SubsetRules.smallestBoxSide)
        if box.width < smallest || box.height < smallest { return .degenerate }
        guard box.x < Double(image.width), box.y < Double(image.height), box.maxX > 0, box.maxY > 0 else {
            return .outside
        }
        if let fraction = rules.areaFraction, !(clipped.area / Double(image.width * image.height) > fraction) {
            return .small
        }
        if annotation.isCrowd { return .crowd }
        if annotation.isIgnored { return .ignored }
        if category.isStuff, category.name == SubsetRules.excludedStuff { return .other }
        if annotation.area <= 0 { return .withoutArea }
        let (width, height) = frame ?? (image.width, image.height)
        let exported = clipped.fitted(from: image.width, image.height, into: width, height)
        return exported.width < smallest || exported.height < smallest ? .subpixel : nil
    }

    /// The first rule that an image fails.
    private func reasonToDrop(imageAt position: Int) -> DropReason? {
        let count = objects[position].count
        if !isListed[position] { return .notListed }
        if rules.requiresStuff, !hasStuff[position] { return .withoutStuff }
        if count < rules.fewestObjects { return .tooFewObjects }
        if let most = rules.mostObjects, count > most { return .tooManyObjects }
        return min(images[position].width, images[position].height) < rules.imageSide ? .shortSide : nil
    }

    mutating func finish() -> Subset {
        var kept: [SelectedImage] = []
        for (position, image) in images.enumerated() {
            if let reason = reasonToDrop(imageAt: position) {
                dropped[reason, default: 0] += 1
                dropped[.imageDropped, default: 0] += objects[position].count
            } else {
                kept.append(SelectedImage(image: image, objects: objects[position]))
            }
        }
        let counts = { [dropped] (reasons: [DropReason]) in
            reasons.map { RuleCount(rule: $0, count: dropped[$0] ?? 0) }
        }
        let drops = SubsetDrops(annotations: counts(DropReason.ofAnnotations), images: counts(DropReason.ofImages))
        return Subset(rules: rules, images: kept, drops: drops, categories: categories)
    }
}
