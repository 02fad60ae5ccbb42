// Which tokens are added to the vocabulary, with which flags, and which of them have a role.

import ErrorLines

/// The added tokens and the roles of special ones, decided from a tokenizer's files as transformers 5 decides.
///
/// A special token of the files becomes an added token even where the vocabulary has it: Stable Diffusion 2's pad token
/// `!` is then matched as a whole wherever a text has one.
struct SpecialTokens: Sendable {
    /// The roles, in the order in which their tokens are added.
    private static let roles = [
        "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
    ]
    private static let defaults = [
        "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
    ]

    /// Added tokens in the order of their adding; the id where a file gives one.
    private(set) var tokens: [(id: Int?, token: AddedToken)] = []
    /// The texts of the roles.
    let begin: String
    let end: String
    let unknown: String
    let pad: String

    /// Decides; throws when files contradict one another.
    init(_ files: TokenizerFiles) throws(CheckpointError) {
        var named = NamedTokens(files.configuration.named)
        var extra = files.configuration.extra ?? []
        if extra.isEmpty { extra = files.configuration.additional ?? [] }
        let declaredCount = files.configuration.addedTokens?.count ?? max(files.added.count, files.serialized.count)
        var declared = DeclaredTokens(path: files.path, capacity: declaredCount)
        if let tokens = files.configuration.addedTokens {
            for (id, token) in tokens { try declared.add(token, id: id, replaces: false) }
        } else {
            // The older way: special_tokens_map.json and added_tokens.json count only without that key.
            for (key, setting) in files.specialTokens.named { named[key] = setting }
            var known = Set(extra)
            for setting in files.specialTokens.extra ?? [] where known.insert(setting).inserted {
                extra.append(setting)
            }
            let special = Set((named.settings(of: Self.roles) + extra).map { ByteString($0.content) })
            for (id, content) in files.added {
                let isSpecial = special.contains(ByteString(content))
                let token = AddedToken(content: content, normalizedSetting: !isSpecial, isSpecial: isSpecial)
                try declared.add(token, id: id, replaces: false)
            }
            for (id, token) in files.serialized { try declared.add(token, id: id, replaces: true) }
            if extra.isEmpty { extra = files.specialTokens.additional ?? [] }
        }
        named.replace(Self.roles, with: declared)
        for (key, text) in Self.defaults { named.setDefault(key, .text(text)) }
        func role(_ key: String) throws(CheckpointError) -> String {
            if let content = named[key]?.content { return content }
            throw CheckpointError(
                .content, "\(files.path): \(key): expected a token, found null; save the tokenizer again")
        }
        begin = try role("bos_token")
        end = try role("eos_token")
        unknown = try role("unk_token")
        pad = try role("pad_token")
        add(declared, named.ordered(first: Self.roles), extra: extra)
    }

    /// Puts the declared tokens first, by id, then the special ones that they lack.
    private mutating func add(_ declared: DeclaredTokens, _ named: [TokenSetting], extra: [TokenSetting]) {
        let names = Set(named.map { ByteString($0.content) })
        var list: [(id: Int?, setting: TokenSetting)] = declared.byID.sorted { $0.key < $1.key }
            .map { ($0.key, .token($0.value)) }
        var appended: Set<TokenSetting> = []
        for setting in named + extra where declared.byContent[ByteString(setting.content)] == nil {
            if appended.insert(setting).inserted { list.append((nil, setting)) }
        }
        tokens = list.map { id, setting in
            switch setting {
            case .text(let text): return (id, AddedToken(content: text, isSpecial: true))
            case .token(var token):
                token.isSpecial = token.isSpecial || names.contains(ByteString(token.content))
                return (id, token)
            }
        }
    }
}

/// Special tokens by key, in the order of their first mention.
private struct NamedTokens {
    private var keys: [String] = []
    private var settings: [String: TokenSetting?] = [:]

    init(_ list: [(key: String, setting: TokenSetting?)]) {
        for (key, setting) in list { self[key] = setting }
    }

    subscript(key: String) -> TokenSetting? {
        get { settings[key] ?? nil }
        set {
            if settings.updateValue(newValue, forKey: key) == nil { keys.append(key) }
        }
    }

    mutating func setDefault(_ key: String, _ setting: TokenSetting) {
        if settings[key] == nil { self[key] = setting }
    }

    func settings(of keys: [String]) -> [TokenSetting] { keys.compactMap { self[$0] } }

    /// The flags of a declared token count before those of the role.
    mutating func replace(_ roles: [String], with declared: DeclaredTokens) {
        for role in roles {
            guard let setting = self[role], let token = declared.byContent[ByteString(setting.content)] else {
                continue
            }
            self[role] = .token(token)
        }
    }

    func ordered(first: [String]) -> [TokenSetting] {
        settings(of: first) + settings(of: keys.filter { !first.contains($0) })
    }
}

/// Added tokens for which the files give ids.
private struct DeclaredTokens {
    let path: String
    private(set) var byID: [Int: AddedToken] = [:]
    private(set) var byContent: [ByteString: AddedToken] = [:]

    init(path: String, capacity: Int) {
        self.path = path
        byID.reserveCapacity(capacity)
        byContent.reserveCapacity(capacity)
    }

    /// Adds a token; `replaces` when another file may have given it before, with fewer flags.
    mutating func add(_ token: AddedToken, id: Int, replaces: Bool) throws(CheckpointError) {
        guard (0...TokenizerModel.largestID).contains(id) else {
            throw failure("expected ids from 0 to \(TokenizerModel.largestID), found \(id) for", token)
        }
        let key = ByteString(token.content)
        if let other = byID.updateValue(token, forKey: id), !replaces || ByteString(other.content) != key {
            throw failure(
                "expected an id for each added token, found \(id) for \(ErrorLine.quoted(other.content)) and", token)
        }
        if byContent.updateValue(token, forKey: key) != nil, !replaces {
            throw failure("expected each added token once, found twice", token)
        }
    }

    private func failure(_ what: String, _ token: AddedToken) -> CheckpointError {
        CheckpointError(.content, "\(path): \(what) \(ErrorLine.quoted(token.content)); save the tokenizer again")
    }
}
