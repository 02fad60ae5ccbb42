// Strings of a JSON text, with the escapes that Python writes for everything beyond ASCII.

extension JSONReader {
    /// A string in double quotes, in valid UTF-8, escapes resolved.
    public mutating func text(_ expected: String = "text in double quotes") throws(Failure) -> String {
        try take("\"", expected: expected)
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            if bytes[position] == UInt8(ascii: "\\") { return try textWithEscapes(from: start) }
            guard bytes[position] >= 0x20 else { throw failure("text without control characters") }
            position += 1
        }
        return try closedText(bytes[start..<position])
    }

    /// Consumes the quote after `plain`.
    private mutating func closedText(_ plain: some Sequence<UInt8>) throws(Failure) -> String {
        guard position < bytes.count else { throw failure("'\"' at the end of the text") }
        guard let text = String(validating: plain, as: UTF8.self) else { throw failure("text in UTF-8 before this") }
        position += 1
        return text
    }

    /// The whole string whose first byte is at `start`; reading stands at its first backslash.
    private mutating func textWithEscapes(from start: Int) throws(Failure) -> String {
        var plain = [UInt8](bytes[start..<position])
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            guard bytes[position] >= 0x20 else { throw failure("text without control characters") }
            if bytes[position] == UInt8(ascii: "\\") {
                plain.append(contentsOf: UTF8.encode(try escape())!)
            } else {
                plain.append(bytes[position])
                position += 1
            }
        }
        return try closedText(plain)
    }

    private mutating func escape() throws(Failure) -> Unicode.Scalar {
        guard position + 1 < bytes.count else { throw failure("a whole escape") }
        let scalar: Unicode.Scalar
        switch bytes[position + 1] {
        case UInt8(ascii: "u"): return try unicodeEscape()
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scalar = Unicode.Scalar(bytes[position + 1])
        case UInt8(ascii: "b"): scalar = "\u{8}"
        case UInt8(ascii: "f"): scalar = "\u{C}"
        case UInt8(ascii: "n"): scalar = "\n"
        case UInt8(ascii: "r"): scalar = "\r"
        case UInt8(ascii: "t"): scalar = "\t"
        default: throw failure("an escape of JSON")
        }
        position += 2
        return scalar
    }

    /// `\uXXXX`, or two of them that make a surrogate pair.
    private mutating func unicodeEscape() throws(Failure) -> Unicode.Scalar {
        let high = try codeUnit()
        if let scalar = Unicode.Scalar(high) { return scalar }
        let low = try codeUnit()
        guard high < 0xDC00, (0xDC00..<0xE000).contains(low) else {
            throw failure("a whole surrogate pair before this")
        }
        return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))!
    }

    private mutating func codeUnit() throws(Failure) -> UInt32 {
        guard position + 6 <= bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u"),
            bytes[position + 2..<position + 6].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let unit = UInt32(String(decoding: bytes[position + 2..<position + 6], as: UTF8.self), radix: 16)
        else { throw failure("'\\u' and four digits") }
        position += 6
        return unit
    }
}
