// The JSON of tokenizer files, read from left to right: they hold hundreds of thousands of values.

import ErrorLines
import Foundation

/// Reads JSON member after member, so that duplicates are seen and what is not needed is passed over.
struct JSONReader {
    /// The first byte of a value tells its kind.
    enum Kind {
        case object, array, text, number, flag, null
    }

    /// How deep values may nest.
    static let depthLimit = 64
    /// The most bytes of one file; the largest real ones hold 65,539 added tokens in 16 MB.
    static let sizeLimit = 1 << 25

    /// The file, for messages.
    let path: String
    let bytes: [UInt8]
    private(set) var position = 0
    private var depth = 0

    init(_ bytes: [UInt8], path: String) {
        self.bytes = bytes
        self.path = path
    }

    /// Reads the file at `path`.
    init(path: String) throws(CheckpointError) {
        self.init(
            try SmallFile.read(path, limit: Self.sizeLimit, expected: "a file of a tokenizer"), path: path)
    }

    /// The error for what is not as it should be at this byte.
    func failure(_ expected: String) -> CheckpointError {
        let end = min(position + 24, bytes.count)
        let found =
            position < end ? ErrorLine.quoted(String(decoding: bytes[position..<end], as: UTF8.self)) : "its end"
        return CheckpointError(
            .content, "\(path), byte \(position): expected \(expected), found \(found); save the tokenizer again")
    }

    /// The next byte that is not white space, not consumed.
    private mutating func peek() -> UInt8? {
        while position < bytes.count, bytes[position] <= 0x20, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) {
            position += 1
        }
        return position < bytes.count ? bytes[position] : nil
    }

    private mutating func take(_ byte: Unicode.Scalar, expected: String) throws(CheckpointError) {
        guard peek() == UInt8(ascii: byte) else { throw failure(expected) }
        position += 1
    }

    private mutating func takes(_ byte: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: byte) else { return false }
        position += 1
        return true
    }

    /// What the next value is.
    mutating func kind() throws(CheckpointError) -> Kind {
        switch peek() {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .text
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .flag
        case UInt8(ascii: "n"): .null
        // Python writes NaN and Infinity.
        case .some(UInt8(ascii: "0")...UInt8(ascii: "9")), UInt8(ascii: "-"), UInt8(ascii: "N"), UInt8(ascii: "I"):
            .number
        default: throw failure("a JSON value")
        }
    }

    /// Only white space may be left.
    mutating func finish() throws(CheckpointError) {
        guard peek() == nil else { throw failure("nothing after the JSON value") }
    }

    /// An object: `body` gets each key and must consume its value.
    mutating func members(
        _ body: (_ reader: inout JSONReader, _ key: String) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        try take("{", expected: "a JSON object")
        try enter()
        defer { depth -= 1 }
        if takes("}") { return }
        repeat {
            let key = try text("a name in double quotes")
            try take(":", expected: "':'")
            try body(&self, key)
        } while takes(",")
        try take("}", expected: "',' or '}'")
    }

    /// An array: `body` must consume each element.
    mutating func elements(
        _ body: (_ reader: inout JSONReader) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        try take("[", expected: "a JSON array")
        try enter()
        defer { depth -= 1 }
        if takes("]") { return }
        repeat { try body(&self) } while takes(",")
        try take("]", expected: "',' or ']'")
    }

    private mutating func enter() throws(CheckpointError) {
        guard depth < Self.depthLimit else { throw failure("at most \(Self.depthLimit) nested values") }
        depth += 1
    }

    /// Passes over one value.
    mutating func skip() throws(CheckpointError) {
        switch try kind() {
        case .object: try members { (reader, _) throws(CheckpointError) in try reader.skip() }
        case .array: try elements { (reader) throws(CheckpointError) in try reader.skip() }
        case .text: _ = try text()
        case .number: _ = try number()
        case .flag: _ = try flag()
        case .null: try null()
        }
    }

    mutating func null() throws(CheckpointError) {
        guard word() == "null" else { throw failure("null") }
    }

    mutating func flag() throws(CheckpointError) -> Bool {
        let start = position
        switch word() {
        case "true": return true
        case "false": return false
        default:
            position = start
            throw failure("true or false")
        }
    }

    /// Any number, a whole one that fits exactly.
    mutating func number() throws(CheckpointError) -> Double {
        _ = peek()
        let start = position
        guard let number = Double(word().replacing("Infinity", with: "inf")) else {
            position = start
            throw failure("a number")
        }
        return number
    }

    /// A whole number, whatever its sign.
    mutating func integer() throws(CheckpointError) -> Int {
        _ = peek()
        let start = position
        guard let integer = Int(word()) else {
            position = start
            throw failure("an integer")
        }
        return integer
    }

    /// The letters, digits, signs and points that follow.
    private mutating func word() -> String {
        _ = peek()
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                position += 1
            default: return String(decoding: bytes[start..<position], as: UTF8.self)
            }
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// A string in double quotes.
    mutating func text(_ expected: String = "text in double quotes") throws(CheckpointError) -> String {
        try take("\"", expected: expected)
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            if bytes[position] == UInt8(ascii: "\\") { return try textWithEscapes(from: start) }
            guard bytes[position] >= 0x20 else { throw failure("text without control characters") }
            position += 1
        }
        return try closedText(bytes[start..<position])
    }

    mutating func append(byteAtPositionTo plain: inout [UInt8]) {
        plain.append(bytes[position])
        position += 1
    }

    mutating func move(by count: Int) { position += count }

    /// Consumes the quote after `plain`.
    mutating func closedText(_ plain: some Sequence<UInt8>) throws(CheckpointError) -> String {
        guard position < bytes.count else { throw failure("'\"' at the end of the text") }
        guard let text = String(validating: plain, as: UTF8.self) else { throw failure("text in UTF-8 before this") }
        position += 1
        return text
    }
}
