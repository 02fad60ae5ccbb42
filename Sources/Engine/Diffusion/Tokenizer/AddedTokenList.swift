// The ids of added tokens, and the two passes that find them.

import ErrorLines

/// Added tokens with their ids: those that the vocabulary has keep theirs, the others go on after it.
struct AddedTokenList: Sendable {
    private(set) var ids: [ByteString: Int] = [:]
    /// The texts of the ids after the vocabulary.
    private(set) var newTexts: [String] = []
    /// Finds tokens in a text as it is.
    private(set) var plainMatcher = AddedTokenMatcher()
    /// Finds tokens in the normalized text between those.
    private(set) var normalizedMatcher = AddedTokenMatcher()

    init(
        _ special: SpecialTokens, vocabulary: [ByteString: Int32], path: String
    ) throws(CheckpointError) {
        var last: [Int: AddedToken] = [:]
        last.reserveCapacity(special.tokens.count)
        ids.reserveCapacity(special.tokens.count)
        for (declared, token) in special.tokens {
            let key = ByteString(token.content)
            let id = try id(of: token, key, declared: declared, in: vocabulary, path: path)
            ids[key] = id
            // A token that comes twice has the flags of the second.
            last[id] = token
        }
        for (id, token) in last {
            let pattern = token.isNormalized ? TextNormalizer.normalized(token.content.utf8) : Array(token.content.utf8)
            let other =
                token.isNormalized
                ? normalizedMatcher.insert(pattern, token: token, id: id)
                : plainMatcher.insert(pattern, token: token, id: id)
            guard let other else { continue }
            throw CheckpointError(
                .content,
                "\(path): expected added tokens that differ in lower case, found \(ErrorLine.quoted(token.content)) and "
                    + "\(ErrorLine.quoted(last[other]?.content ?? "")); rename one, or mark it as not normalized")
        }
    }

    private mutating func id(
        of token: AddedToken, _ key: ByteString, declared: Int?, in vocabulary: [ByteString: Int32], path: String
    ) throws(CheckpointError) -> Int {
        if let id = ids[key] { return id }
        let known = vocabulary[key].map { Int($0) }
        let id = known ?? vocabulary.count + newTexts.count
        guard let declared = declared ?? known else {
            throw CheckpointError(
                .content,
                "\(path): expected special tokens of the vocabulary or with an id, found "
                    + "\(ErrorLine.quoted(token.content)); save the tokenizer again")
        }
        guard declared == id else {
            let reason =
                known == nil ? "the next after the vocabulary and the tokens before it" : "its id in the vocabulary"
            throw CheckpointError(
                .content,
                "\(path): added token \(ErrorLine.quoted(token.content)): expected the id \(id), \(reason), found "
                    + "\(declared); save the tokenizer again")
        }
        if known == nil { newTexts.append(token.content) }
        return id
    }
}
