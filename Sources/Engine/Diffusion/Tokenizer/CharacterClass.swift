// The classes of characters that CLIP's word pattern tells apart.

/// What a scalar is to the word pattern, by Unicode 16.0, whatever this machine's Unicode version is.
enum CharacterClass: Sendable {
    case space, letter, number, other

    /// The class of a scalar.
    init(_ scalar: Unicode.Scalar) {
        if scalar.isASCII {
            self = Self.ascii[Int(scalar.value)]
            return
        }
        let properties = scalar.properties
        guard let age = properties.age, age.major <= 16 else {
            self = .other
            return
        }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: self = .letter
        case .decimalNumber, .letterNumber, .otherNumber: self = .number
        default: self = properties.isWhitespace ? .space : .other
        }
    }

    /// The class of each ASCII character.
    private static let ascii: [CharacterClass] = (UInt8(0)..<0x80).map { byte in
        switch byte {
        case 0x20, 0x09...0x0D: .space
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): .letter
        case UInt8(ascii: "0")...UInt8(ascii: "9"): .number
        default: .other
        }
    }
}

extension Unicode.Scalar {
    /// Whether the scalar is part of a word to an added token with `single_word`: the `\w` of Unicode Technical
    /// Standard 18, by Unicode 16.0.
    var isWordCharacter: Bool {
        guard let age = properties.age, age.major <= 16 else { return false }
        if properties.isAlphabetic || properties.isJoinControl { return true }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
        default: return false
        }
    }
}
