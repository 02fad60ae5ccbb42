// The value of a SHA-256 hash: 32 bytes that compare, print and travel as lower-case hexadecimal text.

/// A SHA-256 digest (FIPS 180-4).
///
/// Encoded as its hexadecimal text, 64 lower-case digits.
public struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
    /// Bytes in a digest.
    public static let byteCount = 32

    /// The digest's 32 bytes, most significant first.
    public let bytes: [UInt8]

    /// Takes exactly 32 bytes; `nil` for any other number.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// Reads exactly 64 hexadecimal digits of either case; `nil` for anything else.
    public init?(hex: String) {
        let digits = hex.utf8.compactMap(Self.value(ofDigit:))
        guard digits.count == 2 * Self.byteCount, hex.utf8.count == digits.count else { return nil }
        bytes = (0..<Self.byteCount).map { digits[2 * $0] << 4 | digits[2 * $0 + 1] }
    }

    /// The digest as 64 lower-case hexadecimal digits.
    public var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The same text as ``hex``.
    public var description: String { hex }

    private static func value(ofDigit digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension SHA256Digest: Comparable {
    /// In the order of the bytes, which is that of the hexadecimal text.
    public static func < (left: SHA256Digest, right: SHA256Digest) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension SHA256Digest: Codable {
    /// Decodes the hexadecimal text; anything else is a `DecodingError`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let digest = SHA256Digest(hex: text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected 64 hexadecimal digits of a SHA-256, found '\(text)'")
        }
        self = digest
    }

    /// Encodes the hexadecimal text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}
