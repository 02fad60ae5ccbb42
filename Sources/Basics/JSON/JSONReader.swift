// JSON from outside, read from left to right: what a file of weights, a tokenizer, a configuration, a profile or a broker
// says. It holds no tree, so that a hundred megabytes of header or hundreds of thousands of tokens cost their own values.
//
// Annotation files and detections are read by RecordReader (Layouts), which says why: they arrive in pieces, half a gigabyte
// of them, and almost all of it, the polygons, is passed over. Records of this program's own, whose types are Decodable,
// are read by Foundation.

import ErrorLines

/// Reads JSON (RFC 8259) value after value; whatever is wrong is thrown as a `Failure`, with the byte where it stands.
///
/// Whoever calls sees every key, repeated ones too, and passes over what it does not need with ``skip()``. Nesting is
/// limited; the text's length is for the caller to limit.
public struct JSONReader<Failure: JSONReadingError> {
    /// What kind of value comes next; its first byte tells.
    public enum Kind: Sendable {
        case object, list, text, number, flag, null
    }

    /// How deep values may nest: far deeper than the settings, headers and answers that are read here.
    static var depthLimit: Int { 64 }

    /// The file, for messages.
    public let path: String
    private let part: String
    private let fix: String
    private let takesPythonNumbers: Bool
    let bytes: [UInt8]
    var position = 0
    private var depth = 0

    /// Begins a text.
    ///
    /// - Parameters:
    ///   - path: where the text is from, for messages.
    ///   - part: what of it the text is; empty for all of it.
    ///   - fix: what to do about a damaged text, for messages.
    ///   - takesPythonNumbers: whether `NaN`, `Infinity` and `-Infinity` are numbers, as Python's json module writes them.
    public init(
        _ bytes: [UInt8], path: String = "", part: String = "", fix: String = "", takesPythonNumbers: Bool = false
    ) {
        self.bytes = bytes
        self.path = path
        self.part = part
        self.fix = fix
        self.takesPythonNumbers = takesPythonNumbers
    }

    /// The error for what is not as it should be at this byte.
    public func failure(_ expected: String) -> Failure { Failure(fault(expected)) }

    func fault(_ expected: String) -> JSONFault {
        let end = min(position + 24, bytes.count)
        let found =
            position < end ? ErrorLine.quoted(String(decoding: bytes[position..<end], as: UTF8.self)) : "its end"
        return JSONFault(path: path, part: part, byte: position, expected: expected, found: found, fix: fix)
    }

    // MARK: Structure

    /// The next byte that is not white space, not consumed; nil at the end.
    private mutating func peek() -> UInt8? {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            case let byte: return byte
            }
        }
        return nil
    }

    mutating func take(_ byte: Unicode.Scalar, expected: String) throws(Failure) {
        guard takes(byte) else { throw failure(expected) }
    }

    private mutating func takes(_ byte: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: byte) else { return false }
        position += 1
        return true
    }

    /// What the next value is.
    public mutating func kind() throws(Failure) -> Kind {
        switch peek() {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .list
        case UInt8(ascii: "\""): .text
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .flag
        case UInt8(ascii: "n"): .null
        case .some(UInt8(ascii: "0")...UInt8(ascii: "9")), UInt8(ascii: "-"): .number
        case UInt8(ascii: "N") where takesPythonNumbers, UInt8(ascii: "I") where takesPythonNumbers: .number
        default: throw failure("a JSON value")
        }
    }

    /// Only white space may be left.
    public mutating func finish() throws(Failure) {
        guard peek() == nil else { throw failure("nothing after the JSON value") }
    }

    /// An object: `body` gets each key and must consume its value.
    public mutating func members(
        _ body: (_ reader: inout Self, _ key: String) throws(Failure) -> Void
    ) throws(Failure) {
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

    /// A list: `body` must consume each element.
    public mutating func elements(_ body: (_ reader: inout Self) throws(Failure) -> Void) throws(Failure) {
        try take("[", expected: "a JSON array")
        try enter()
        defer { depth -= 1 }
        if takes("]") { return }
        repeat { try body(&self) } while takes(",")
        try take("]", expected: "',' or ']'")
    }

    private mutating func enter() throws(Failure) {
        guard depth < Self.depthLimit else { throw failure("at most \(Self.depthLimit) nested values") }
        depth += 1
    }

    /// Passes over one value.
    public mutating func skip() throws(Failure) {
        switch try kind() {
        case .object: try members { (reader, _) throws(Failure) in try reader.skip() }
        case .list: try elements { (reader) throws(Failure) in try reader.skip() }
        case .text: _ = try text()
        case .number: _ = try number()
        case .flag: _ = try flag()
        case .null: try null()
        }
    }

    // MARK: Words

    /// `null`.
    public mutating func null() throws(Failure) {
        guard takes(word: "null") else { throw failure("null") }
    }

    /// `true` or `false`.
    public mutating func flag() throws(Failure) -> Bool {
        if takes(word: "true") { return true }
        guard takes(word: "false") else { throw failure("true or false") }
        return false
    }

    /// Consumes `word` where it stands next, whole.
    mutating func takes(word: StaticString) -> Bool {
        _ = peek()
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count, unsafe bytes[position..<end].elementsEqual(word.bytes),
            end == bytes.count || !Self.goesOn(bytes[end])
        else { return false }
        position = end
        return true
    }

    /// Whether a word or a number that this byte follows is not over.
    static func goesOn(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// Moves to the next value, of which a number's or a word's first byte is one.
    mutating func skipSpace() { _ = peek() }

    /// Python's numbers that JSON has not, where they are taken.
    mutating func pythonNumber() -> Double? {
        guard takesPythonNumbers else { return nil }
        if takes(word: "NaN") { return .nan }
        if takes(word: "Infinity") { return .infinity }
        return takes(word: "-Infinity") ? -.infinity : nil
    }
}

extension StaticString {
    fileprivate var bytes: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}
