// Tokens beyond the vocabulary's pieces, matched whole before a text is split into words.

/// A token that is matched as a whole, with the flags that say how; the names are those of tokenizer files.
struct AddedToken: Sendable {
    var content: String
    /// `single_word`: no match beside a letter, digit, mark or connector.
    var isSingleWord = false
    /// `lstrip`: the match takes the white space before it.
    var stripsLeft = false
    /// `rstrip`: the match takes the white space after it.
    var stripsRight = false
    /// `normalized` as the file says it, if it does.
    var normalizedSetting: Bool?
    /// `special`: a token of the model's own, not of the text.
    var isSpecial = false

    /// Whether the token is matched in its normalized form in the normalized text, else as it is in the text as it is.
    var isNormalized: Bool { normalizedSetting ?? !isSpecial }
}

extension AddedToken: Equatable {
    /// Byte for byte: `String` holds different spellings of a character equal.
    static func == (one: AddedToken, other: AddedToken) -> Bool {
        one.content.utf8.elementsEqual(other.content.utf8) && one.isSingleWord == other.isSingleWord
            && one.stripsLeft == other.stripsLeft && one.stripsRight == other.stripsRight
            && one.isNormalized == other.isNormalized && one.isSpecial == other.isSpecial
    }
}
