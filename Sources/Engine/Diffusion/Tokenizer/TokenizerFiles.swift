// The files of a tokenizer folder.

import JSON

/// What the files of a tokenizer say, before it is decided which of them count.
struct TokenizerFiles: Sendable {
    /// The folder or file, for messages.
    var path: String
    var model: TokenizerModel
    /// The `added_tokens` of `tokenizer.json`.
    var serialized: [(id: Int, token: AddedToken)]
    /// `added_tokens.json`: texts and ids only.
    var added: [(id: Int, content: String)] = []
    /// `tokenizer_config.json`.
    var configuration = TokenSettings()
    /// `special_tokens_map.json`.
    var specialTokens = TokenSettings()

    /// Reads the files of a folder; `tokenizer.json` counts before `vocab.json` and `merges.txt`, as in transformers.
    init(folder: String) throws(CheckpointError) {
        func existing(_ name: String) throws(CheckpointError) -> String? {
            let path = folder + "/" + name
            return try SmallFile.isThere(path) ? path : nil
        }
        if let path = try existing("tokenizer.json") {
            var reader = try JSONReader(tokenizerFile: path)
            try self.init(&reader)
        } else if let vocabulary = try existing("vocab.json") {
            self.init(
                path: vocabulary,
                model: try TokenizerModel(vocabularyPath: vocabulary, mergesPath: folder + "/merges.txt"))
        } else {
            throw CheckpointError(
                .file,
                "cannot read the tokenizer folder \(folder): expected vocab.json and merges.txt, or tokenizer.json, found "
                    + "none of them; name the 'tokenizer' folder of a checkpoint")
        }
        path = folder
        if let path = try existing("tokenizer_config.json") {
            var reader = try JSONReader(tokenizerFile: path)
            configuration = try TokenSettings(&reader, marksSpecial: false)
            try configuration.check(path: path)
        }
        if let path = try existing("special_tokens_map.json") {
            var reader = try JSONReader(tokenizerFile: path)
            specialTokens = try TokenSettings(&reader, marksSpecial: true)
        }
        if let path = try existing("added_tokens.json") {
            var reader = try JSONReader(tokenizerFile: path)
            try reader.members { (reader, content) throws(CheckpointError) in
                added.append((try reader.tokenID(), content))
            }
            try reader.finish()
        }
    }

    /// Reads a `tokenizer.json`.
    init(_ reader: inout JSONReader<CheckpointError>) throws(CheckpointError) {
        var model: TokenizerModel?
        var serialized: [(id: Int, token: AddedToken)] = []
        try reader.members { (reader, key) throws(CheckpointError) in
            switch key {
            case "model": model = try TokenizerModel(&reader)
            case "added_tokens":
                serialized = []
                try reader.elements { (reader) throws(CheckpointError) in
                    let (id, token) = try AddedToken.read(&reader)
                    guard let id else { throw reader.failure("an added token with an id before") }
                    serialized.append((id, token))
                }
            default: try reader.skip()
            }
        }
        try reader.finish()
        guard let model else { throw reader.failure("a 'model' before") }
        self.init(path: reader.path, model: model, serialized: serialized)
    }

    private init(path: String, model: TokenizerModel, serialized: [(id: Int, token: AddedToken)] = []) {
        self.path = path
        self.model = model
        self.serialized = serialized
    }
}

extension TokenSettings {
    /// Refuses what asks for another tokenizer than CLIP's.
    func check(path: String) throws(CheckpointError) {
        let classes = ["CLIPTokenizer", "CLIPTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend"]
        if let tokenizerClass, !classes.contains(tokenizerClass) {
            throw CheckpointError(
                .unsupported,
                "\(path): tokenizer_class: expected 'CLIPTokenizer', found '\(tokenizerClass)'; use the tokenizer of a CLIP "
                    + "text encoder")
        }
        if splitsSpecialTokens {
            throw CheckpointError(
                .unsupported,
                "\(path): split_special_tokens: expected false, found true; use a checkpoint whose tokenizer keeps special "
                    + "tokens whole, or a generator program of your own (docs/plugins.md)")
        }
    }
}
