// What one settings file of a tokenizer says.

/// The settings of one file that bear on token ids.
struct TokenSettings: Sendable {
    /// Keys that end in `_token`, in the file's order; nil where the file says null.
    var named: [(key: String, setting: TokenSetting?)] = []
    /// `extra_special_tokens`, if the file has the key.
    var extra: [TokenSetting]?
    /// `additional_special_tokens`, the older name, if the file has the key.
    var additional: [TokenSetting]?
    /// `added_tokens_decoder`, if the file has the key.
    var addedTokens: [(id: Int, token: AddedToken)]?
    /// `model_max_length`, if the file has one.
    var maximumLength: Double?
    var padsLeft = false
    var tokenizerClass: String?
    var splitsSpecialTokens = false
}
