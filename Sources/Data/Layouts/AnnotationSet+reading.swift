// Reading COCO annotation files as a stream, and checking that they are consistent.

extension AnnotationSet {
    /// Reads a COCO annotation file (instances, or cocostuff's format) as a stream, once: a file, gzip of it, or a pipe.
    ///
    /// The sections may stand in any order. Polygons and all other keys that are not needed are skipped and never held:
    /// memory is about 72 bytes an annotation and 100 an image.
    ///
    /// Tolerated, because real files have it: boxes and areas without extent, an empty list or null for a box, boxes of
    /// negative extent and boxes partly or wholly outside their image (the subset rules drop them), whole numbers
    /// written as `5.0`, null for an optional key, `iscrowd` and `ignore` missing (0) or boolean, `area` missing (the
    /// box's area), `file_name` missing where there is a `coco_url` (LVIS), images without annotations, unknown keys and
    /// repeated keys that are not read. Refused, each with one line that names the byte and the place: what is not JSON
    /// or is truncated, a missing or repeated key, a value of the wrong kind, boxes that are not finite, image sides
    /// outside 1 to a million, nesting beyond 100 levels; repeated ids of images, annotations or categories, and
    /// annotations of an image or category that the file does not list.
    /// - Parameter onText: is shown the text as it is parsed, piece by piece, for a digest of it.
    public static func read(
        path: String, isStuff: Bool = false, onText: (ArraySlice<UInt8>) -> Void = { _ in }
    ) throws(LayoutError) -> AnnotationSet {
        let builder = Builder(isStuff: isStuff)
        try RecordReader.read(
            isStuff ? .stuff : .annotations, path: path,
            into: RecordParser(sections: recordSections, onRecord: builder.add), onText: onText)
        try builder.set.validate(path: path)
        return builder.set
    }

    /// The records of a COCO annotation file; the order of sections and fields is what the readers go by.
    static let recordSections = [
        RecordSection(
            name: "images",
            fields: [
                RecordField(name: "id", kind: .integer), RecordField(name: "file_name", kind: .text, isRequired: false),
                RecordField(name: "width", kind: .side), RecordField(name: "height", kind: .side),
                RecordField(name: "coco_url", kind: .looseText, isRequired: false),
            ], requiresOne: [1, 4]),
        RecordSection(
            name: "annotations",
            fields: [
                RecordField(name: "area", kind: .number, isRequired: false),
                RecordField(name: "iscrowd", kind: .flag, isRequired: false),
                RecordField(name: "image_id", kind: .integer), RecordField(name: "bbox", kind: .box),
                RecordField(name: "category_id", kind: .integer), RecordField(name: "id", kind: .integer),
                RecordField(name: "ignore", kind: .flag, isRequired: false),
            ]),
        RecordSection(
            name: "categories",
            fields: [
                RecordField(name: "id", kind: .integer), RecordField(name: "name", kind: .text),
                RecordField(name: "supercategory", kind: .looseText, isRequired: false),
            ]),
    ]

    /// Collects records; a class because the parser's callback and the reader share it.
    private final class Builder {
        var set = AnnotationSet(images: [], annotations: [], categories: [])
        let isStuff: Bool

        init(isStuff: Bool) { self.isStuff = isStuff }

        func add(section: Int, record: borrowing Record) {
            switch section {
            case 0:
                set.images.append(
                    AnnotatedImage(
                        id: record.integers[0], fileName: record.imageFileName, width: record.integers[2],
                        height: record.integers[3]))
            case 1:
                set.annotations.append(
                    Annotation(
                        id: record.integers[5], imageID: record.integers[2], categoryID: record.integers[4],
                        box: record.box,
                        area: record.has(0) ? record.numbers[0] : record.box.area,
                        isCrowd: record.has(1) && record.integers[1] == 1,
                        isIgnored: record.has(6) && record.integers[6] == 1))
            default:
                set.categories.append(record.category(isStuff: isStuff))
            }
        }
    }

    /// Throws when ids repeat, or an annotation's image or category is not listed; looks at the boxes on the way.
    mutating func validate(path: String) throws(LayoutError) {
        try refuseRepeats(images.map(\.id), of: "images", path: path)
        try refuseRepeats(categories.map(\.id), of: "categories", path: path)
        try refuseRepeats(annotations.map(\.id), of: "annotations", path: path)
        let sizes = Dictionary(uniqueKeysWithValues: images.map { ($0.id, (Double($0.width), Double($0.height))) })
        let knownCategories = Set(categories.map(\.id))
        for (index, annotation) in annotations.enumerated() {
            guard let (width, height) = sizes[annotation.imageID] else {
                throw unknown("image_id", annotation.imageID, list: "images", index: index, path: path)
            }
            guard knownCategories.contains(annotation.categoryID) else {
                throw unknown("category_id", annotation.categoryID, list: "categories", index: index, path: path)
            }
            if !annotation.isCrowd, !annotation.isIgnored { boxes.add(annotation.box, inWidth: width, height: height) }
        }
    }

    private func refuseRepeats(_ ids: [Int], of list: String, path: String) throws(LayoutError) {
        let sorted = ids.sorted()
        guard let position = sorted.indices.dropFirst().first(where: { sorted[$0] == sorted[$0 - 1] }) else { return }
        let id = sorted[position]
        let places = ids.indices.filter { ids[$0] == id }.prefix(2).map { "\(list)[\($0)]" }.joined(separator: " and ")
        throw LayoutError(
            .content,
            "cannot use the annotations of \(path): expected each id once in \(list), found id \(id) at \(places); "
                + "remove or renumber one of them")
    }

    private func unknown(_ key: String, _ id: Int, list: String, index: Int, path: String) -> LayoutError {
        LayoutError(
            .content,
            "cannot use the annotations of \(path): annotations[\(index)].\(key): expected an id of "
                + "\(list), found \(id); "
                + "add it to \(list) or remove the annotation")
    }
}

extension Record {
    /// An image's file name; without one, the end of its URL, as LVIS has it.
    var imageFileName: String {
        if has(1) { return texts[1] }
        return texts[4].split(separator: "/").last.map(String.init) ?? texts[4]
    }

    /// The category of a record of the third section.
    func category(isStuff: Bool) -> Category {
        Category(id: integers[0], name: texts[1], isStuff: isStuff, supercategory: has(2) ? texts[2] : nil)
    }
}
