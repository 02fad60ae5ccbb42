// The merges of byte pair encoding.

/// One rule: two pieces that become one, and where the file says so.
struct Merge: Sendable {
    var first: String
    var second: String
    /// File and line or place, for messages.
    var place: MergePlace

    /// The error for a piece that the vocabulary does not have.
    func missing(_ piece: String) -> CheckpointError {
        place.failure("expected pieces of the vocabulary, found '\(piece)' in '\(first) \(second)'")
    }
}

/// Where a merge stands.
struct MergePlace: Sendable {
    var path: String
    var unit: StaticString
    var number: Int

    /// The error for what is wrong there.
    func failure(_ what: String) -> CheckpointError {
        CheckpointError(.content, "\(path), \(unit) \(number): \(what); use merges and vocabulary of one tokenizer")
    }
}
