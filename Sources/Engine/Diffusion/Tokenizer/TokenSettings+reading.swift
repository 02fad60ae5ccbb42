// Reading tokenizer_config.json and special_tokens_map.json.

import JSON

extension TokenSettings {
    /// Reads either file; `marksSpecial` for the tokens of `special_tokens_map.json`, which are all special.
    init(_ reader: inout JSONReader<CheckpointError>, marksSpecial: Bool) throws(CheckpointError) {
        var settings = TokenSettings()
        var keys: Set<String> = []
        try reader.members { (reader, key) throws(CheckpointError) in
            guard keys.insert(key).inserted else { throw reader.failure("each key once, not '\(key)' again") }
            try settings.read(key, from: &reader, marksSpecial: marksSpecial)
        }
        try reader.finish()
        self = settings
    }

    private mutating func read(
        _ key: String, from reader: inout JSONReader<CheckpointError>, marksSpecial: Bool
    ) throws(CheckpointError) {
        let kind = try reader.kind()
        switch key {
        case "added_tokens_decoder" where kind == .object: addedTokens = try Self.addedTokens(&reader)
        case "extra_special_tokens" where kind == .list:
            extra = try Self.list(&reader, marksSpecial: marksSpecial)
        case "extra_special_tokens" where kind == .object: try readNamed(&reader, marksSpecial: marksSpecial)
        case "additional_special_tokens" where kind == .list:
            additional = try Self.list(&reader, marksSpecial: false)
        case "model_max_length" where kind == .number: maximumLength = try reader.number()
        case "padding_side" where kind == .text:
            let side = try reader.text()
            guard side == "left" || side == "right" else {
                throw reader.failure("padding_side 'left' or 'right' before")
            }
            padsLeft = side == "left"
        case "split_special_tokens" where kind == .flag: splitsSpecialTokens = try reader.flag()
        case "tokenizer_class" where kind == .text: tokenizerClass = try reader.text()
        case _ where key.hasSuffix("_token") && (kind == .text || kind == .object):
            named.append((key, try Self.setting(&reader, marksSpecial: marksSpecial)))
        case _ where key.hasSuffix("_token") && kind == .null:
            try reader.null()
            named.append((key, nil))
        default: try reader.skip()
        }
    }

    /// `{"name": "token"}`: named tokens of a model's own.
    private mutating func readNamed(_ reader: inout JSONReader<CheckpointError>, marksSpecial: Bool)
        throws(CheckpointError)
    {
        var read: [(String, TokenSetting?)] = []
        try reader.members { (reader, key) throws(CheckpointError) in
            read.append((key, try Self.setting(&reader, marksSpecial: marksSpecial)))
        }
        named += read
    }

    private static func list(
        _ reader: inout JSONReader<CheckpointError>, marksSpecial: Bool
    ) throws(CheckpointError) -> [TokenSetting] {
        var list: [TokenSetting] = []
        try reader.elements { (reader) throws(CheckpointError) in
            list.append(try setting(&reader, marksSpecial: marksSpecial))
        }
        return list
    }

    private static func setting(
        _ reader: inout JSONReader<CheckpointError>, marksSpecial: Bool
    ) throws(CheckpointError) -> TokenSetting {
        guard try reader.kind() == .object else { return .text(try reader.text()) }
        var token = try AddedToken.read(&reader).token
        if marksSpecial { token.isSpecial = true }
        return .token(token)
    }

    /// `{"49408": {"content": "<l0>", …}, …}`.
    private static func addedTokens(
        _ reader: inout JSONReader<CheckpointError>
    ) throws(CheckpointError) -> [(id: Int, token: AddedToken)] {
        var tokens: [(id: Int, token: AddedToken)] = []
        try reader.members { (reader, key) throws(CheckpointError) in
            guard let id = Int(key) else { throw reader.failure("an id as the name, not '\(key)', before") }
            tokens.append((id, try AddedToken.read(&reader).token))
        }
        return tokens
    }
}

extension AddedToken {
    /// Reads `{"id": 49408, "content": "<l0>", "lstrip": false, …}`; the id is for those files that have it here.
    static func read(_ reader: inout JSONReader<CheckpointError>) throws(CheckpointError) -> (
        id: Int?, token: AddedToken
    ) {
        var id: Int?
        var content: String?
        var token = AddedToken(content: "")
        try reader.members { (reader, key) throws(CheckpointError) in
            switch key {
            case "id": id = try reader.integer()
            case "content": content = try reader.text()
            case "single_word": token.isSingleWord = try reader.flag()
            case "lstrip": token.stripsLeft = try reader.flag()
            case "rstrip": token.stripsRight = try reader.flag()
            case "normalized": token.normalizedSetting = try reader.flag()
            case "special": token.isSpecial = try reader.flag()
            default: try reader.skip()
            }
        }
        guard let content, !content.isEmpty else {
            throw reader.failure("a token with a content that is not empty before")
        }
        token.content = content
        return (id, token)
    }
}
