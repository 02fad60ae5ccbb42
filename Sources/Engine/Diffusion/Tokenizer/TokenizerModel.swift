// The vocabulary and the merges, from either form of files.

import ErrorLines
import Foundation
import JSON

/// What byte pair encoding needs: pieces with their ids, and merges in order.
struct TokenizerModel: Sendable {
    /// Ids beyond this are a damaged file, not a tokenizer: no text encoder has as many rows.
    static let largestID = (1 << 20) - 1
    /// The most bytes of `merges.txt`; CLIP's has half a megabyte.
    static let mergesLimit = 1 << 23

    var vocabulary: [ByteString: Int32]
    var merges: MergeList
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
        var reader = try JSONReader(tokenizerFile: vocabularyPath)
        vocabulary = try Self.vocabulary(&reader)
        try reader.finish()
        merges = try Self.merges(
            lines: SmallFile.read(mergesPath, limit: Self.mergesLimit, expected: "the merges of a tokenizer"),
            path: mergesPath)
        path = vocabularyPath
        try check()
    }

    /// Reads the `model` of a `tokenizer.json`.
    init(_ reader: inout JSONReader<CheckpointError>) throws(CheckpointError) {
        var (type, suffix): (String?, String?)
        var vocabulary: [ByteString: Int32]?
        var merges: MergeList?
        try reader.members { (reader, key) throws(CheckpointError) in
            let kind = try reader.kind()
            switch key {
            case "type" where kind == .text: type = try reader.text()
            case "end_of_word_suffix" where kind == .text: suffix = try reader.text()
            // The list of a Unigram model, which its type names, too.
            case "vocab" where kind == .object: vocabulary = try Self.vocabulary(&reader)
            case "merges" where kind == .list: merges = try Self.merges(&reader)
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
        guard !vocabulary.isEmpty, merges.count > 0 else {
            throw failure("expected pieces and merges, found \(vocabulary.count) and \(merges.count)")
        }
        // Each merge makes a piece, and hardly ever one that another makes.
        guard merges.count <= 2 * vocabulary.count else {
            throw failure(
                "expected at most \(2 * vocabulary.count) merges for \(vocabulary.count) pieces, found \(merges.count)")
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

    private static func vocabulary(_ reader: inout JSONReader<CheckpointError>) throws(CheckpointError) -> [ByteString:
        Int32]
    {
        var vocabulary: [ByteString: Int32] = [:]
        vocabulary.reserveCapacity(50_000)
        try reader.members { (reader, piece) throws(CheckpointError) in
            let id = try reader.tokenID()
            guard vocabulary.count <= largestID else {
                throw reader.failure("at most \(largestID + 1) pieces before")
            }
            guard vocabulary.updateValue(Int32(id), forKey: ByteString(piece)) == nil else {
                throw reader.failure("each piece once, not \(ErrorLine.quoted(piece)) again, before")
            }
        }
        return vocabulary
    }

    /// Merges as text with a space or as lists of two, as the versions of the file have them.
    private static func merges(_ reader: inout JSONReader<CheckpointError>) throws(CheckpointError) -> MergeList {
        var merges = MergeList(path: reader.path, unit: "merge")
        try reader.elements { (reader) throws(CheckpointError) in
            let number = merges.count + 1
            guard try reader.kind() == .list else { return try merges.append(reader.text().utf8, number: number) }
            var pieces: [String] = []
            try reader.elements { (reader) throws(CheckpointError) in
                let piece = try reader.text()
                if pieces.count < 3 { pieces.append(piece) }
            }
            guard pieces.count == 2 else { throw merges.notTwo(pieces.joined(separator: " ").utf8, number) }
            try merges.append(pieces[0].utf8, pieces[1].utf8, number: number)
        }
        return merges
    }

    /// The lines of `merges.txt`, of which those that name the version are none.
    private static func merges(lines bytes: [UInt8], path: String) throws(CheckpointError) -> MergeList {
        var merges = MergeList(path: path, unit: "line")
        var (rest, number) = (bytes[...], 0)
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
            var line = rest[..<end]
            rest = rest[min(end + 1, rest.endIndex)...]
            number += 1
            if line.starts(with: "#version".utf8) { continue }
            if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
            try merges.append(line, number: number)
        }
        return merges
    }
}
