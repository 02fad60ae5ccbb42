// What must be known of a COCO annotation file before other records can join it, learned in constant memory.

/// Counts, categories and largest ids of a COCO annotation file.
public struct AnnotationSummary: Hashable, Sendable {
    /// Images listed.
    public var images = 0
    /// Images that have a `file_name`; LVIS's have none.
    public var namedImages = 0
    /// Objects listed.
    public var annotations = 0
    /// The largest image id; 0 when there is none above it.
    public var largestImageID = 0
    /// The largest annotation id; 0 when there is none above it.
    public var largestAnnotationID = 0
    /// The categories in file order.
    public var categories: [Category] = []

    /// Makes the summary of a file that lists nothing.
    public init() {}

    /// Learns a summary from a text that arrives in pieces, and holds none of its images and annotations.
    ///
    /// Refuses what ``AnnotationSet/read(path:isStuff:onText:)`` refuses, except for what takes the whole set to see:
    /// repeated ids, and annotations of images or categories that are not listed.
    public final class Reader {
        private var summary = AnnotationSummary()
        private var reader: RecordReader?

        /// Begins a text; `path` is for messages.
        public init(path: String) {
            // The parser hands its records to this object, which holds it.
            let parser = RecordParser(sections: AnnotationSet.recordSections) { [unowned self] section, record in
                add(section: section, record: record)
            }
            reader = RecordReader(.annotations, path: path, parser: parser)
        }

        /// Takes the next `count` bytes, the first of `piece`.
        public func feed(_ piece: [UInt8], count: Int) throws(LayoutError) { try reader?.feed(piece, count: count) }

        /// Ends the text.
        public func finish() throws(LayoutError) -> AnnotationSummary {
            try reader?.finish()
            return summary
        }

        private func add(section: Int, record: borrowing Record) {
            switch section {
            case 0:
                summary.images += 1
                if record.has(1) { summary.namedImages += 1 }
                summary.largestImageID = max(summary.largestImageID, record.integers[0])
            case 1:
                summary.annotations += 1
                summary.largestAnnotationID = max(summary.largestAnnotationID, record.integers[5])
            default: summary.categories.append(record.category(isStuff: false))
            }
        }
    }
}
