// The values that tokenizer settings give to special tokens.

/// A special token as `tokenizer_config.json` or `special_tokens_map.json` gives it: plain text, or text with flags.
enum TokenSetting: Sendable {
    case text(String)
    case token(AddedToken)

    /// The token's text.
    var content: String {
        switch self {
        case .text(let text): text
        case .token(let token): token.content
        }
    }
}

extension TokenSetting: Hashable {
    /// As transformers compares them: text only with text.
    static func == (one: TokenSetting, other: TokenSetting) -> Bool {
        switch (one, other) {
        case (.text(let one), .text(let other)): one.utf8.elementsEqual(other.utf8)
        case (.token(let one), .token(let other)): one == other
        default: false
        }
    }

    func hash(into hasher: inout Hasher) { ByteString(content).hash(into: &hasher) }
}
