// A JSON event consumer for files of flat records: COCO annotations, detection results.
//
// It holds one record at a time. Everything that is not asked for, polygons above all, is skipped by counting depth.

/// Follows the events of a JSON file and hands over each record of the sections it was given.
///
/// The methods return false to stop the parse; ``failure`` then says why.
@safe struct RecordParser {
    /// What was wrong, before the byte offset is known.
    struct Failure {
        var place: String
        var expected: String
        var found: String
        /// What the field that was read is; nil outside of one.
        var kind: RecordField.Kind?
    }

    enum State { case start, file, section, record, box, end }

    /// Deeper nesting than this is refused; COCO needs 5 levels.
    static let depthLimit = 100

    let sections: [RecordSection]
    /// Whether the file is one bare array of records (then there is one section).
    let isBareList: Bool
    private(set) var failure: Failure?
    private(set) var seenSections: UInt32 = 0

    var state = State.start
    var section = 0
    /// Index of the present record in its section.
    var index = 0
    /// The field whose value comes next.
    var field = -1
    var boxCount = 0
    var record = Record(fieldCount: 0)
    private var depth = 0
    /// Open containers of a skipped value.
    private var skipDepth = 0
    /// The value of a key that nobody asked for comes next.
    private var skipsNext = false
    private let onRecord: (Int, borrowing Record) -> Void

    init(sections: [RecordSection], isBareList: Bool = false, onRecord: @escaping (Int, borrowing Record) -> Void) {
        precondition(!isBareList || sections.count == 1, "a bare list has one section")
        self.sections = sections
        self.isBareList = isBareList
        self.onRecord = onRecord
    }

    // MARK: Containers

    mutating func startContainer(isObject: Bool) -> Bool {
        depth += 1
        if skipDepth > 0 || skipsNext {
            skipsNext = false
            skipDepth += 1
            return depth <= Self.depthLimit || fail("nesting of at most \(Self.depthLimit) levels", "a deeper one")
        }
        switch (state, isObject) {
        case (.start, false) where isBareList: beginSection(0)
        case (.start, true) where !isBareList: state = .file
        case (.section, true): beginRecord()
        case (.file, false): beginSection(section)
        case (.record, false) where sections[section].fields[field].kind == .box:
            state = .box
            boxCount = 0
        case (.record, _) where sections[section].fields[field].kind == .looseText:
            record.seen &= ~(1 << UInt32(field))
            field = -1
            skipDepth += 1
        default: return unexpected(isObject ? "an object" : "an array")
        }
        return true
    }

    mutating func endContainer() -> Bool {
        depth -= 1
        if skipDepth > 0 {
            skipDepth -= 1
            return true
        }
        switch state {
        case .box:
            // An empty list is how some exporters write that there is no box: one without extent.
            guard boxCount == 4 || boxCount == 0 else { return fail(expectation, "\(boxCount) numbers") }
            if boxCount == 0 { record.box = Box(x: 0, y: 0, width: 0, height: 0) }
            state = .record
            field = -1
        case .record: return endRecord()
        case .section:
            state = isBareList ? .end : .file
            field = -1
        default: state = .end
        }
        return true
    }

    private mutating func beginSection(_ number: Int) {
        section = number
        state = .section
        index = 0
        record = Record(fieldCount: sections[number].fields.count)
    }

    private mutating func beginRecord() {
        state = .record
        record.seen = 0
        field = -1
    }

    private mutating func endRecord() -> Bool {
        let missing = sections[section].requiredMask & ~record.seen
        guard missing == 0 else {
            field = -1
            return fail(
                "the key \"\(sections[section].fields[missing.trailingZeroBitCount].name)\"", "an object without it")
        }
        let choice = sections[section].requiresOne
        if let first = choice.first, !choice.contains(where: { record.has($0) }) {
            field = -1
            return fail("the key \"\(sections[section].fields[first].name)\"", "an object without it")
        }
        onRecord(section, record)
        index += 1
        state = .section
        return true
    }

    // MARK: Keys

    mutating func key(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        if skipDepth > 0 { return true }
        return unsafe state == .file ? fileKey(bytes) : recordKey(bytes)
    }

    private mutating func fileKey(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let found = sections.indices.first(where: { unsafe bytes.equals(sections[$0].name) }) else {
            skipsNext = true
            return true
        }
        section = found
        guard seenSections & 1 << UInt32(found) == 0 else {
            return fail("the key once", "it twice in the file's top object")
        }
        seenSections |= 1 << UInt32(found)
        return true
    }

    private mutating func recordKey(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let fields = sections[section].fields
        for candidate in fields.indices where unsafe bytes.equals(fields[candidate].name) {
            field = candidate
            guard !record.has(candidate) else { return fail("the key once", "it twice in one object") }
            record.seen |= 1 << UInt32(candidate)
            return true
        }
        skipsNext = true
        return true
    }

    // MARK: Values

    /// Whether the scalar at hand belongs to a skipped value.
    @inline(__always)
    mutating func skipsScalar() -> Bool {
        if skipDepth > 0 { return true }
        if skipsNext {
            skipsNext = false
            return true
        }
        return false
    }

    // MARK: Failures

    /// What the present place wants, in words.
    var expectation: String {
        switch state {
        case .start: isBareList ? "an array of objects" : "an object with the keys \(sectionNames)"
        case .file: "an array"
        case .section: "an object"
        case .record, .box: field >= 0 ? sections[section].fields[field].expectation : "the end of the object"
        case .end: "the end of the file"
        }
    }

    /// The names of the file's sections, for messages.
    var sectionNames: String { sections.map { "\"\($0.name)\"" }.joined(separator: ", ") }

    /// The present place, for example `annotations[12].bbox[2]`.
    var place: String {
        if state == .start || state == .end { return "top" }
        var text = "\(sections[section].name)"
        if state == .file { return text }
        text += "[\(index)]"
        if state != .section, field >= 0 {
            text += (text.isEmpty ? "" : ".") + "\(sections[section].fields[field].name)"
        }
        if state == .box { text += "[\(boxCount)]" }
        return text
    }

    mutating func unexpected(_ found: String) -> Bool { fail(expectation, found) }

    mutating func fail(_ expected: String, _ found: String) -> Bool {
        let kind = state == .record && field >= 0 ? sections[section].fields[field].kind : nil
        failure = Failure(place: place, expected: expected, found: found, kind: kind)
        return false
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Whether these bytes are the text's.
    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        let other = unsafe text.utf8Start
        for position in 0..<count where unsafe self[position] != other[position] { return false }
        return true
    }
}
