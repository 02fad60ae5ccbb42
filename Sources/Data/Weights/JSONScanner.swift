// The JSON of headers and index files, read from left to right.

/// Reads JSON strictly, member after member; what follows is the caller's business, so duplicates are seen.
struct JSONScanner {
    /// How deep skipped values may nest.
    private static let depthLimit = 64

    /// The file, for messages.
    let path: String
    /// What of the file it is, for messages.
    let place: String
    let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8], path: String, place: String) {
        self.path = path
        self.place = place
        self.bytes = bytes
    }

    private func failure(_ expected: String) -> WeightError {
        let found =
            position < bytes.count
            ? WeightError.quoted(String(decoding: bytes[position..<min(position + 20, bytes.count)], as: UTF8.self))
            : "its end"
        return .content(path, "\(place), byte \(position)", expected: expected, found: found)
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) { position += 1 }
    }

    /// The next byte that is not white space, not consumed.
    private mutating func peek() -> UInt8? {
        if position < bytes.count, bytes[position] > 0x20 { return bytes[position] }
        skipSpace()
        return position < bytes.count ? bytes[position] : nil
    }

    private mutating func take(_ byte: Character, expected: String? = nil) throws(WeightError) {
        guard peek() == byte.asciiValue else { throw failure(expected ?? "'\(byte)'") }
        position += 1
    }

    /// Only white space may be left.
    mutating func finish() throws(WeightError) {
        guard peek() == nil else { throw failure("nothing after the JSON object") }
    }

    /// An object: `body` gets each key and must consume its value.
    mutating func members(
        _ body: (inout JSONScanner, String) throws(WeightError) -> Void
    ) throws(WeightError) {
        try take("{", expected: "a JSON object")
        if peek() == UInt8(ascii: "}") {
            position += 1
            return
        }
        while true {
            let key = try string(expected: "a name in double quotes")
            try take(":")
            try body(&self, key)
            guard peek() == UInt8(ascii: ",") else { break }
            position += 1
        }
        try take("}", expected: "',' or '}'")
    }

    /// An array: `body` must consume each element.
    mutating func elements(_ body: (inout JSONScanner) throws(WeightError) -> Void) throws(WeightError) {
        try take("[", expected: "a JSON array")
        if peek() == UInt8(ascii: "]") {
            position += 1
            return
        }
        while true {
            try body(&self)
            guard peek() == UInt8(ascii: ",") else { break }
            position += 1
        }
        try take("]", expected: "',' or ']'")
    }

    /// Integers from 0 up, at most `limit` of them.
    mutating func integers(limit: Int) throws(WeightError) -> [Int] {
        var found: [Int] = []
        try elements { (scanner) throws(WeightError) in
            guard found.count < limit else { throw scanner.failure("at most \(limit) integers") }
            found.append(try scanner.integer())
        }
        return found
    }

    /// One integer from 0 up that fits an `Int`.
    mutating func integer() throws(WeightError) -> Int {
        _ = peek()
        let start = position
        var value = 0
        while position < bytes.count, case let digit = bytes[position] &- UInt8(ascii: "0"), digit < 10 {
            let (product, overflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, carries) = product.addingReportingOverflow(Int(digit))
            guard !overflows && !carries else {
                position = start
                throw failure("an integer below 2^63")
            }
            value = sum
            position += 1
        }
        let isPadded = position - start > 1 && bytes[start] == UInt8(ascii: "0")
        let goesOn = position < bytes.count && [0x2E, 0x65, 0x45].contains(bytes[position])
        guard position > start, !isPadded, !goesOn else {
            position = start
            throw failure("an integer from 0 up")
        }
        return value
    }

    /// Passes over one value of any kind.
    mutating func skipValue(depth: Int = 0) throws(WeightError) {
        guard depth < Self.depthLimit else { throw failure("at most \(Self.depthLimit) nested values") }
        switch peek() {
        case UInt8(ascii: "{"):
            try members { (scanner, _) throws(WeightError) in try scanner.skipValue(depth: depth + 1) }
        case UInt8(ascii: "["):
            try elements { (scanner) throws(WeightError) in try scanner.skipValue(depth: depth + 1) }
        case UInt8(ascii: "\""):
            _ = try string(expected: "text")
        default:
            // A number or a word: nothing depends on which.
            let start = position
            while position < bytes.count, Self.isWord(bytes[position]) { position += 1 }
            guard position > start else { throw failure("a JSON value") }
        }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}

extension JSONScanner {
    /// A string in double quotes.
    mutating func string(expected: String = "text in double quotes") throws(WeightError) -> String {
        try take("\"", expected: expected)
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            if bytes[position] == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard bytes[position] >= 0x20 else { throw failure("text without control characters") }
            position += 1
        }
        guard position < bytes.count else { throw failure("'\"' at the end of the text") }
        guard let text = String(validating: bytes[start..<position], as: UTF8.self) else {
            throw failure("text in UTF-8")
        }
        position += 1
        return text
    }

    /// The rest of a string that has escapes; `start` is its first byte.
    private mutating func escapedString(from start: Int) throws(WeightError) -> String {
        var plain = [UInt8](bytes[start..<position])
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            guard bytes[position] >= 0x20 else { throw failure("text without control characters") }
            if bytes[position] == UInt8(ascii: "\\") {
                plain.append(contentsOf: String(try escape()).utf8)
            } else {
                plain.append(bytes[position])
                position += 1
            }
        }
        guard position < bytes.count else { throw failure("'\"' at the end of the text") }
        guard let text = String(validating: plain, as: UTF8.self) else { throw failure("text in UTF-8") }
        position += 1
        return text
    }

    private mutating func escape() throws(WeightError) -> Unicode.Scalar {
        guard position + 1 < bytes.count else { throw failure("an escape") }
        switch bytes[position + 1] {
        case UInt8(ascii: "u"): return try unicodeEscape()
        case let byte:
            guard let scalar = Self.shortEscapes[byte] else { throw failure("an escape") }
            position += 2
            return scalar
        }
    }

    private static let shortEscapes: [UInt8: Unicode.Scalar] = [
        UInt8(ascii: "\""): "\"", UInt8(ascii: "\\"): "\\", UInt8(ascii: "/"): "/", UInt8(ascii: "b"): "\u{8}",
        UInt8(ascii: "f"): "\u{C}", UInt8(ascii: "n"): "\n", UInt8(ascii: "r"): "\r", UInt8(ascii: "t"): "\t",
    ]

    /// `\uXXXX`, or two of them that make a surrogate pair.
    private mutating func unicodeEscape() throws(WeightError) -> Unicode.Scalar {
        let high = try hexadecimal()
        guard (0xD800..<0xDC00).contains(high) else {
            guard let scalar = Unicode.Scalar(high) else { throw failure("a whole surrogate pair before this") }
            return scalar
        }
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
        else { throw failure("a whole surrogate pair before this") }
        return scalar
    }

    private mutating func hexadecimal() throws(WeightError) -> UInt32 {
        guard position + 6 <= bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { throw failure("'\\u' and four digits") }
        var value: UInt32 = 0
        for byte in bytes[position + 2..<position + 6] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("'\\u' and four digits")
            }
            value = value << 4 | UInt32(digit)
        }
        position += 6
        return value
    }
}
