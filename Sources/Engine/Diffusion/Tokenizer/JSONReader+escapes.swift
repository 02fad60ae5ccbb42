// Escapes in JSON strings, which Python writes for everything beyond ASCII.

import Foundation

extension JSONReader {
    /// The whole string whose first byte is at `start`; reading stands at its first backslash.
    mutating func textWithEscapes(from start: Int) throws(CheckpointError) -> String {
        var plain = [UInt8](bytes[start..<position])
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            guard bytes[position] >= 0x20 else { throw failure("text without control characters") }
            if bytes[position] == UInt8(ascii: "\\") {
                plain.append(contentsOf: UTF8.encode(try escape())!)
            } else {
                append(byteAtPositionTo: &plain)
            }
        }
        return try closedText(plain)
    }

    private mutating func escape() throws(CheckpointError) -> Unicode.Scalar {
        guard position + 1 < bytes.count else { throw failure("a whole escape") }
        if bytes[position + 1] == UInt8(ascii: "u") { return try unicodeEscape() }
        let scalar: Unicode.Scalar
        switch bytes[position + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scalar = Unicode.Scalar(bytes[position + 1])
        case UInt8(ascii: "b"): scalar = "\u{8}"
        case UInt8(ascii: "f"): scalar = "\u{C}"
        case UInt8(ascii: "n"): scalar = "\n"
        case UInt8(ascii: "r"): scalar = "\r"
        case UInt8(ascii: "t"): scalar = "\t"
        default: throw failure("an escape of JSON")
        }
        move(by: 2)
        return scalar
    }

    /// `\uXXXX`, or two of them that make a surrogate pair.
    private mutating func unicodeEscape() throws(CheckpointError) -> Unicode.Scalar {
        let high = try codeUnit()
        if let scalar = Unicode.Scalar(high) { return scalar }
        let low = try codeUnit()
        guard high < 0xDC00, (0xDC00..<0xE000).contains(low) else {
            throw failure("a whole surrogate pair before this")
        }
        return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))!
    }

    private mutating func codeUnit() throws(CheckpointError) -> UInt32 {
        guard position + 6 <= bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u"),
            bytes[position + 2..<position + 6].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let unit = UInt32(String(decoding: bytes[position + 2..<position + 6], as: UTF8.self), radix: 16)
        else { throw failure("'\\u' and four digits") }
        move(by: 6)
        return unit
    }
}
