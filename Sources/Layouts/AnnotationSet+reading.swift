// Reading COCO annotation files as a stream, and checking that they are consistent.

extension AnnotationSet {
    /// Reads a COCO annotation file (instances, or cocostuff's format) as a stream.
    ///
    /// The sections may stand in any order. Polygons and all other keys that are not needed are skipped and never held:
    /// memory is about 72 bytes an annotation and 100 an image.
    ///
    /// Tolerated, because real files have it: boxes and areas of zero extent (the subset rules drop them), boxes partly
    /// or wholly outside their image, whole numbers written as `5.0`, `iscrowd` missing (0) or boolean, `area` missing
    /// (the box's area), images without annotations, unknown keys and repeated keys nobody reads. Refused, each with
    /// one line that names the byte and the place: what is not JSON or is truncated, a missing or repeated key, a
    /// value of the wrong kind, boxes that are not finite or have negative extent, image sides outside 1 to a million,
    /// nesting beyond 100 levels; repeated ids of images, annotations or categories, and annotations of an image or
    /// category that the file does not list.
    public static func read(path: String, isStuff: Bool = false) throws(LayoutError) -> AnnotationSet {
        let stream = RecordStream(
            path: path, subject: isStuff ? "stuff annotations" : "annotations",
            fix: "give a complete COCO annotation file such as instances_val2017.json, or mend this one")
        let builder = Builder(isStuff: isStuff)
        try stream.read(into: RecordParser(sections: recordSections, onRecord: builder.add))
        try builder.set.validate(path: path)
        return builder.set
    }

    /// The records of a COCO annotation file; the order of sections and fields is what ``Builder`` reads by.
    static let recordSections = [
        RecordSection(
            name: "images",
            fields: [
                RecordField(name: "id", kind: .integer), RecordField(name: "file_name", kind: .text),
                RecordField(name: "width", kind: .side), RecordField(name: "height", kind: .side),
            ]),
        RecordSection(
            name: "annotations",
            fields: [
                RecordField(name: "area", kind: .number, isRequired: false),
                RecordField(name: "iscrowd", kind: .flag, isRequired: false),
                RecordField(name: "image_id", kind: .integer), RecordField(name: "bbox", kind: .box),
                RecordField(name: "category_id", kind: .integer), RecordField(name: "id", kind: .integer),
            ]),
        RecordSection(
            name: "categories",
            fields: [RecordField(name: "id", kind: .integer), RecordField(name: "name", kind: .text)]),
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
                        id: record.integers[0], fileName: record.texts[1], width: record.integers[2],
                        height: record.integers[3]))
            case 1:
                set.annotations.append(
                    Annotation(
                        id: record.integers[5], imageID: record.integers[2], categoryID: record.integers[4],
                        box: record.box,
                        area: record.has(0) ? record.numbers[0] : record.box.area,
                        isCrowd: record.has(1) && record.integers[1] == 1))
            default:
                set.categories.append(Category(id: record.integers[0], name: record.texts[1], isStuff: isStuff))
            }
        }
    }

    /// Throws when ids repeat, or an annotation's image or category is not listed.
    func validate(path: String) throws(LayoutError) {
        try refuseRepeats(images.map(\.id), of: "images", path: path)
        try refuseRepeats(categories.map(\.id), of: "categories", path: path)
        try refuseRepeats(annotations.map(\.id), of: "annotations", path: path)
        let knownImages = Set(images.map(\.id))
        let knownCategories = Set(categories.map(\.id))
        for (index, annotation) in annotations.enumerated() {
            guard knownImages.contains(annotation.imageID) else {
                throw unknown("image_id", annotation.imageID, list: "images", index: index, path: path)
            }
            guard knownCategories.contains(annotation.categoryID) else {
                throw unknown("category_id", annotation.categoryID, list: "categories", index: index, path: path)
            }
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
