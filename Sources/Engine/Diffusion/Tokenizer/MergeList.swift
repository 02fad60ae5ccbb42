// The merges of byte pair encoding, as a file has them.

import ErrorLines

/// Rules in the order of their file: two pieces each, which become one.
///
/// All pieces stand in one array, so that the list takes little more memory than its file has bytes.
struct MergeList: Sendable {
    /// The most rules of one file, as many as the largest vocabulary has pieces.
    static let limit = TokenizerModel.largestID + 1

    private struct Entry {
        /// Where the second piece begins.
        var middle: UInt32
        var end: UInt32
        /// The line or place in the file.
        var number: UInt32
    }

    private let path: String
    private let unit: StaticString
    private var bytes: [UInt8] = []
    private var entries: [Entry] = []

    /// An empty list.
    /// - Parameter unit: what the numbers count, as in "line".
    init(path: String, unit: StaticString) {
        self.path = path
        self.unit = unit
    }

    var count: Int { entries.count }

    /// Appends the rule that `text` spells: two pieces with a space between.
    mutating func append(_ text: some Collection<UInt8>, number: Int) throws(CheckpointError) {
        let space = UInt8(ascii: " ")
        guard let middle = text.firstIndex(of: space) else { throw notTwo(text, number) }
        try append(text[..<middle], text[text.index(after: middle)...], number: number) { $0 == space }
    }

    /// Appends the rule of `first` and `second`, which must not be empty nor hold what `isForbidden` says.
    mutating func append(
        _ first: some Collection<UInt8>, _ second: some Collection<UInt8>, number: Int,
        isForbidden: (UInt8) -> Bool = { _ in false }
    ) throws(CheckpointError) {
        guard !first.isEmpty, !second.isEmpty, !second.contains(where: isForbidden) else {
            throw notTwo(Array(first.prefix(200)) + [UInt8(ascii: " ")] + second.prefix(200), number)
        }
        guard entries.count < Self.limit else {
            throw failure("expected at most \(Self.limit) merges, found more", number)
        }
        bytes.append(contentsOf: first)
        let middle = UInt32(bytes.count)
        bytes.append(contentsOf: second)
        entries.append(Entry(middle: middle, end: UInt32(bytes.count), number: UInt32(number)))
    }

    /// The pieces of a rule, and what they become.
    func pieces(at index: Int) -> (first: ByteString, second: ByteString, merged: ByteString) {
        let start = index == 0 ? 0 : Int(entries[index - 1].end)
        let (middle, end) = (Int(entries[index].middle), Int(entries[index].end))
        return (ByteString(bytes[start..<middle]), ByteString(bytes[middle..<end]), ByteString(bytes[start..<end]))
    }

    /// The error for a rule's piece that the vocabulary does not have.
    func missing(_ piece: ByteString, at index: Int) -> CheckpointError {
        let (first, second, _) = pieces(at: index)
        let rule = ByteString(first.bytes + [UInt8(ascii: " ")] + second.bytes)
        return failure(
            "expected pieces of the vocabulary, found \(piece.quoted) in \(rule.quoted)", Int(entries[index].number))
    }

    /// The error for what is no rule.
    func notTwo(_ text: some Collection<UInt8>, _ number: Int) -> CheckpointError {
        failure("expected two pieces, found \(ByteString(text.prefix(400)).quoted)", number)
    }

    private func failure(_ what: String, _ number: Int) -> CheckpointError {
        CheckpointError(.content, "\(path), \(unit) \(number): \(what); use merges and vocabulary of one tokenizer")
    }
}
