// Texts to token ids and back, exactly as the text encoder was trained with them.

import ErrorLines
import JSON

/// CLIP's tokenizer: lower-cased byte pair encoding with added tokens that are matched whole.
///
/// Gives the ids that transformers 5 gives for the same files. A value: copies share the vocabulary and a bounded cache
/// of words.
public struct CLIPTokenizer: Sendable {
    /// CLIP's own length, for files that give none.
    private static let defaultLength = 77

    /// How many ids the text encoder takes, begin and end included: `model_max_length`, else 77.
    public let maximumLength: Int
    /// How many ids there are, added tokens included: the rows that the text encoder's embedding needs.
    public var vocabularySize: Int { texts.count }

    private let texts: [String]
    private let vocabulary: [ByteString: Int32]
    private let addedTokens: [ByteString: Int]
    private let plainMatcher: AddedTokenMatcher
    private let normalizedMatcher: AddedTokenMatcher
    private let encoder: BytePairEncoder
    private let cache = WordCache()
    private let begin: Int
    private let end: Int
    private let pad: Int
    private let padsLeft: Bool

    /// Reads the `tokenizer` folder of a checkpoint: `tokenizer.json`, or `vocab.json` and `merges.txt`, and beside them
    /// `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json` where they are.
    ///
    /// Throws one line that names the file and what is wrong in it.
    public init(folder: String) throws(CheckpointError) {
        try self.init(TokenizerFiles(folder: folder))
    }

    /// Reads the contents of one `tokenizer.json`; `path` is what errors call it.
    public init(serialized bytes: [UInt8], path: String = "tokenizer.json") throws(CheckpointError) {
        var reader = JSONReader<CheckpointError>(tokenizer: bytes, path: path)
        try self.init(TokenizerFiles(&reader))
    }

    init(_ files: TokenizerFiles) throws(CheckpointError) {
        let model = files.model
        let special = try SpecialTokens(files)
        let unknown = model.vocabulary[ByteString(special.unknown)]
        encoder = try BytePairEncoder(
            vocabulary: model.vocabulary, merges: model.merges, unknown: unknown, path: model.path)
        let list = try AddedTokenList(special, vocabulary: model.vocabulary, path: files.path)
        func id(_ content: String, _ role: String) throws(CheckpointError) -> Int {
            let key = ByteString(content)
            if let id = list.ids[key] ?? model.vocabulary[key].map({ Int($0) }) { return id }
            throw CheckpointError(
                .content,
                "\(files.path): \(role): expected a token of the vocabulary, found \(ErrorLine.quoted(content)); save the "
                    + "tokenizer again")
        }
        begin = try id(special.begin, "bos_token")
        end = try id(special.end, "eos_token")
        pad = try id(special.pad, "pad_token")
        padsLeft = files.configuration.padsLeft
        maximumLength = try Self.length(files.configuration.maximumLength, path: files.path)
        var texts = [String](repeating: "", count: model.vocabulary.count)
        for (piece, id) in model.vocabulary { texts[Int(id)] = String(decoding: piece.bytes, as: UTF8.self) }
        self.texts = texts + list.newTexts
        vocabulary = model.vocabulary
        addedTokens = list.ids
        plainMatcher = list.plainMatcher
        normalizedMatcher = list.normalizedMatcher
    }

    private static func length(_ setting: Double?, path: String) throws(CheckpointError) -> Int {
        // transformers writes 1e30 where it knows no length.
        guard let setting, setting < 1e20 else { return defaultLength }
        guard let length = Int(exactly: setting), (3...65_536).contains(length) else {
            throw CheckpointError(
                .content,
                "\(path): model_max_length: expected an integer from 3 to 65536, found \(setting); save the tokenizer again"
            )
        }
        return length
    }

    /// The ids of `text` between begin and end, as many as they are: nothing is padded or cut.
    public func encode(_ text: String) -> [Int] {
        var ids = [begin]
        let bytes = Array(text.utf8)
        for segment in plainMatcher.segments(of: bytes[...]) {
            switch segment {
            case .token(let id): ids.append(id)
            case .text(let range): appendNormalized(bytes[range], to: &ids)
            }
        }
        ids.append(end)
        return ids
    }

    private func appendNormalized(_ text: ArraySlice<UInt8>, to ids: inout [Int]) {
        let bytes = TextNormalizer.normalized(text)
        for segment in normalizedMatcher.segments(of: bytes[...]) {
            switch segment {
            case .token(let id): ids.append(id)
            case .text(let range):
                var words = WordSplitter(bytes[range])
                while let word = words.next() { ids += cache.ids(of: word, encode: encoder.ids) }
            }
        }
    }

    /// `ids` padded to ``maximumLength`` with the pad token of the files.
    ///
    /// Throws when there are more: what does not fit is never cut silently.
    public func padded(_ ids: [Int]) throws(CheckpointError) -> [Int] {
        guard ids.count <= maximumLength else {
            throw CheckpointError(
                .unsupported,
                "a prompt of \(ids.count) tokens: expected at most \(maximumLength), begin and end included; use fewer "
                    + "objects or the compact template")
        }
        let padding = [Int](repeating: pad, count: maximumLength - ids.count)
        return padsLeft ? padding + ids : ids + padding
    }

    /// The id of a token or a vocabulary's piece, spelled as in the files; nil when there is none.
    public func identifier(of token: String) -> Int? {
        let key = ByteString(token)
        return addedTokens[key] ?? vocabulary[key].map { Int($0) }
    }

    /// Whether the files have a token or a piece, spelled so.
    public func contains(token: String) -> Bool { identifier(of: token) != nil }

    /// The tokens and pieces that `ids` stand for, spelled as in the files (`person</w>`, `<l44>`), for people to read;
    /// ids are below ``vocabularySize``.
    public func pieces(of ids: [Int]) -> [String] {
        ids.map { id in
            precondition(texts.indices.contains(id), "ids are of this tokenizer")
            return texts[id]
        }
    }
}
