// A small writer of JSON bytes: quoted strings and shortest round-trip numbers.

import Foundation

/// JSON text under construction.
public struct JSONText: Sendable {
    /// What there is of it, in UTF-8.
    public private(set) var bytes: [UInt8] = []

    /// Begins an empty text.
    public init() {}

    /// Appends `text` as it is.
    public mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// Appends a number in the fewest digits that read back equal; a whole one without a fraction.
    public mutating func append(number: Double) {
        precondition(number.isFinite, "JSON has no infinite numbers")
        // The bound keeps the integers exact; it also turns -0.0, which equals 0, into the same "0".
        if let whole = Int(exactly: number), whole.magnitude < 1 << 53 {
            append("\(whole)")
        } else {
            append("\(number)")
        }
    }

    /// Appends a string in quotes, with what JSON must escape escaped.
    public mutating func append(quoted text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20: append(String(format: "\\u%04x", Int(byte)))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Empties the text and keeps its memory.
    public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }
}
