// What a JSON file of flat records looks like: which sections, which fields, of which kind.

/// One field that is read from each record; other keys are skipped.
struct RecordField {
    /// What a field's value must be, and so where it is put.
    enum Kind {
        /// A whole number (`5`, or `5.0` as some exporters write it).
        case integer
        /// An image's side in pixels: a whole number from 1 to a million, so that areas cannot overflow.
        case side
        /// A finite number.
        case number
        /// A number in 0...1; what rounding put just beyond it is taken for the end.
        case fraction
        /// 0, 1, true or false.
        case flag
        /// A string of 1 to a thousand bytes without control characters: it goes into prompts, tables and logs.
        case text
        /// A text that only some files have and nobody depends on: anything else than a ``text`` is taken for absent.
        case looseText
        /// Four finite numbers x, y, width, height; an empty list or null for none.
        case box

        /// Whether strings go here.
        var isText: Bool { self == .text || self == .looseText }
    }

    /// Where a ``Kind/fraction`` may lie: half precision rounds 1 up to 1.0009765625.
    static let fractions = -0.001...1.001

    static let longestSide = 1_000_000
    static let longestText = 1000

    let name: StaticString
    let kind: Kind
    var isRequired = true

    /// How the expectation is put in an error message.
    var expectation: String {
        switch kind {
        case .integer: "a whole number"
        case .side: "a whole number from 1 to \(Self.longestSide)"
        case .number: "a finite number"
        case .fraction: "a number from 0 to 1"
        case .flag: "0 or 1"
        case .text, .looseText: "a string of 1 to \(Self.longestText) bytes without control characters"
        case .box: "an array of 4 numbers [x, y, width, height]"
        }
    }
}

extension RecordField {
    /// Whether a text is in the range of the kind ``Kind/text``.
    static func admits(_ text: String) -> Bool {
        (1...longestText).contains(text.utf8.count)
            && !text.unicodeScalars.contains { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }
    }
}

/// One array of records in a file.
struct RecordSection {
    /// The key of the array in the file's top object; empty when the file itself is the array.
    let name: StaticString
    let fields: [RecordField]
    /// Optional fields of which a record must have one; none if empty.
    var requiresOne: [Int] = []

    /// The fields that a record must have, a bit each.
    var requiredMask: UInt32 {
        fields.indices.reduce(0) { fields[$1].isRequired ? $0 | 1 << UInt32($1) : $0 }
    }
}

/// The values of one record, each at its field's index.
struct Record {
    var integers: [Int]
    var numbers: [Double]
    var texts: [String]
    var box = Box(x: 0, y: 0, width: 0, height: 0)
    /// The fields that the record had, a bit each.
    var seen: UInt32 = 0

    init(fieldCount: Int) {
        integers = Array(repeating: 0, count: fieldCount)
        numbers = Array(repeating: 0, count: fieldCount)
        texts = Array(repeating: "", count: fieldCount)
    }

    func has(_ field: Int) -> Bool { seen & 1 << UInt32(field) != 0 }
}
