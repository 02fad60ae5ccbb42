// The vocabulary and the merges, from either form of files.

import ErrorLines
import Foundation

/// What byte pair encoding needs: pieces with their ids, and merges in order.
struct TokenizerModel: Sendable {
    /// Ids beyond this are a damaged file, not a tokenizer.
    static let largestID = 1 << 24

    var vocabulary: [ByteString: Int32]
    var merges: [Merge]
    /// The file that the vocabulary is from, for messages.
    var path: String

    /// Reads `vocab.json` and `merges.txt`.
    init(vocabularyPath: String, mergesPath: String) throws(CheckpointError) {
        guard try SmallFile.isThere(mergesPath) else {
            throw CheckpointError(
                .file,
                "cannot read \(mergesPath): expected the merges that belong to \(vocabularyPath), found no such file; "
                    + "copy it from the same tokenizer")
        }
        var reader = try JSONReader(path: vocabularyPath)
        vocabulary = try Self.vocabulary(&reader)
        try reader.finish()
        merges = try Self.merges(lines: JSONReader(path: mergesPath).bytes, path: mergesPath)
        path = vocabularyPath
        try check()
    }

    /// Reads the `model` of a `tokenizer.json`.
    init(_ reader: inout JSONReader) throws(CheckpointError) {
        var (type, suffix): (String?, String?)
        var vocabulary: [ByteString: Int32]?
        var merges: [Merge]?
        try reader.members { (reader, key) throws(CheckpointError) in
            let kind = try reader.kind()
            switch key {
            case "type" where kind == .text: type = try reader.text()
            case "end_of_word_suffix" where kind == .text: suffix = try reader.text()
            // The list of a Unigram model, which its type names, too.
            case "vocab" where kind == .object: vocabulary = try Self.vocabulary(&reader)
            case "merges" where kind == .array: merges = try Self.merges(&reader)
            default: try reader.skip()
            }
        }
        path = reader.path
        guard type ?? "BPE" == "BPE", suffix == BytePairEncoder.suffix else {
            let found =
                type == nil || type == "BPE" ? "the suffix \(ErrorLine.quoted(suffix ?? ""))" : ErrorLine.quoted(type!)
            throw CheckpointError(
                .unsupported,
                "\(reader.path): model: expected CLIP's type 'BPE' with the suffix '\(BytePairEncoder.suffix)', found "
                    + "\(found); use the tokenizer of a CLIP text encoder")
        }
        guard let vocabulary, let merges else {
            throw CheckpointError(
                .content,
                "\(reader.path): model: expected 'vocab' and 'merges', found no "
                    + "\(vocabulary == nil ? "'vocab'" : "'merges'"); save the tokenizer again")
        }
        self.vocabulary = vocabulary
        self.merges = merges
        try check()
    }

    /// Ids run from 0 without a gap: added tokens go on where the vocabulary ends.
    private func check() throws(CheckpointError) {
        guard !vocabulary.isEmpty, !merges.isEmpty else {
            throw failure("expected pieces and merges, found \(vocabulary.count) and \(merges.count)")
        }
        var isTaken = [Bool](repeating: false, count: vocabulary.count)
        for (piece, id) in vocabulary {
            guard id < vocabulary.count else {
                let count = vocabulary.count
                throw failure(
                    "expected ids from 0 to \(count - 1) for \(count) pieces, found \(id) for \(piece.quoted)")
            }
            guard !isTaken[Int(id)] else {
                throw failure("expected an id for each piece, found \(id) for \(piece.quoted) and another")
            }
            isTaken[Int(id)] = true
        }
    }

    private func failure(_ what: String) -> CheckpointError {
        CheckpointError(.content, "\(path): \(what); save the tokenizer again")
    }

    private static func vocabulary(_ reader: inout JSONReader) throws(CheckpointError) -> [ByteString: Int32] {
        var vocabulary: [ByteString: Int32] = [:]
        vocabulary.reserveCapacity(50_000)
        try reader.members { (reader, piece) throws(CheckpointError) in
            let id = try reader.tokenID()
            guard vocabulary.updateValue(Int32(id), forKey: ByteString(piece)) == nil else {
                throw reader.failure("each piece once, not \(ErrorLine.quoted(piece)) again, before")
            }
        }
        return vocabulary
    }

    /// Merges as text with a space or as lists of two, as the versions of the file have them.
    private static func merges(_ reader: inout JSONReader) throws(CheckpointError) -> [Merge] {
        var merges: [Merge] = []
        try reader.elements { (reader) throws(CheckpointError) in
            let place = MergePlace(path: reader.path, unit: "merge", number: merges.count + 1)
            var pieces: [String] = []
            if try reader.kind() == .array {
                try reader.elements { (reader) throws(CheckpointError) in pieces.append(try reader.text()) }
            } else {
                pieces = try reader.text().split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            }
            merges.append(try Merge(pieces, at: place))
        }
        return merges
    }

    /// The lines of `merges.txt`, of which those that name the version are none.
    private static func merges(lines bytes: [UInt8], path: String) throws(CheckpointError) -> [Merge] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CheckpointError(
                .content, "\(path): expected text in UTF-8, found something else; copy the file again")
        }
        var merges: [Merge] = []
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for (index, line) in lines.enumerated() where !line.starts(with: "#version".utf8) {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            let pieces = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            let place = MergePlace(path: path, unit: "line", number: index + 1)
            merges.append(try Merge(pieces.map { String(Substring($0)) }, at: place))
        }
        return merges
    }
}

extension Merge {
    fileprivate init(_ pieces: [String], at place: MergePlace) throws(CheckpointError) {
        guard pieces.count == 2, !pieces[0].isEmpty, !pieces[1].isEmpty else {
            throw place.failure("expected two pieces, found \(ErrorLine.quoted(pieces.joined(separator: " ")))")
        }
        self.init(first: pieces[0], second: pieces[1], place: place)
    }
}

extension JSONReader {
    /// An id of a token.
    mutating func tokenID() throws(CheckpointError) -> Int {
        let id = try integer()
        guard (0...TokenizerModel.largestID).contains(id) else {
            throw failure("an id from 0 to \(TokenizerModel.largestID), not \(id), before")
        }
        return id
    }
}
