// What must be known of a COCO annotation file before other records can join it, read in constant memory.

/// Counts, categories and largest ids of a COCO annotation file.
public struct AnnotationSummary: Hashable, Sendable {
    /// Images listed.
    public var images = 0
    /// Objects listed.
    public var annotations = 0
    /// The largest image id; 0 when there is none above it.
    public var largestImageID = 0
    /// The largest annotation id; 0 when there is none above it.
    public var largestAnnotationID = 0
    /// The categories in file order.
    public var categories: [Category] = []

    /// Reads a file as a stream and holds none of its images and annotations.
    ///
    /// Refuses what ``AnnotationSet/read(path:isStuff:)`` refuses, except for what takes the whole set to see: repeated
    /// ids, and annotations of images or categories that are not listed.
    public static func read(path: String) throws(LayoutError) -> AnnotationSummary {
        let stream = RecordStream(
            path: path, subject: "annotations",
            fix: "give a complete COCO annotation file such as instances_train2017.json, or mend this one")
        let builder = Builder()
        try stream.read(into: RecordParser(sections: AnnotationSet.recordSections, onRecord: builder.add))
        return builder.summary
    }

    /// Collects the summary; a class because the parser's callback and the reader share it.
    private final class Builder {
        var summary = AnnotationSummary()

        func add(section: Int, record: borrowing Record) {
            switch section {
            case 0:
                summary.images += 1
                summary.largestImageID = max(summary.largestImageID, record.integers[0])
            case 1:
                summary.annotations += 1
                summary.largestAnnotationID = max(summary.largestAnnotationID, record.integers[5])
            default:
                summary.categories.append(Category(id: record.integers[0], name: record.texts[1]))
            }
        }
    }
}
