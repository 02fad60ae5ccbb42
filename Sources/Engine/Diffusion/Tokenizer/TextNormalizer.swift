// What CLIP's tokenizer does to a text before it looks for words.

/// Normalization form C, white space runs as one space, lower case; on UTF-8.
enum TextNormalizer {
    /// The bytes of `text` normalized.
    static func normalized(_ text: some Collection<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        guard text.contains(where: { $0 >= 0x80 }) else {
            for byte in text { append(ascii: byte, to: &result) }
            return result
        }
        let scalars = Array(String(decoding: text, as: UTF8.self).unicodeScalars)
        for scalar in CanonicalComposition.composed(scalars) {
            if scalar.isASCII {
                append(ascii: UInt8(scalar.value), to: &result)
            } else if scalar.properties.isWhitespace {
                append(ascii: 0x20, to: &result)
            } else {
                // Letter by letter: no final sigma, as the scalar's own mapping has none.
                result.append(contentsOf: lowercase(scalar).utf8)
            }
        }
        return result
    }

    /// Lower case by Unicode 17.0, whatever this machine's Unicode version is.
    private static func lowercase(_ scalar: Unicode.Scalar) -> String {
        guard let age = scalar.properties.age, age.major <= 17 else { return String(Character(scalar)) }
        return scalar.properties.lowercaseMapping
    }

    private static func append(ascii byte: UInt8, to result: inout [UInt8]) {
        switch byte {
        case 0x20, 0x09...0x0D: if result.last != 0x20 { result.append(0x20) }
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): result.append(byte | 0x20)
        default: result.append(byte)
        }
    }
}
