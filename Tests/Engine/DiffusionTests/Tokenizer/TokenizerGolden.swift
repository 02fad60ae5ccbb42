// Texts and the ids that transformers gives for them, as Golden/write_tokenizer.py writes them.

import Diffusion
import Foundation
import Testing

/// A folder of tokenizer folders, with the texts and one file of ids for each.
struct TokenizerGolden {
    /// The forms of tokenizer folders.
    static let forms = ["classic", "decoder", "pad-only", "serialized"]
    static let small = TokenizerGolden(folder: Golden.folder.appending(path: "tokenizer").path)

    let folder: String

    func tokenizer(_ form: String) throws -> CLIPTokenizer { try CLIPTokenizer(folder: folder + "/" + form) }

    func texts() throws -> [String] {
        try lines("texts.jsonl").map { try JSONDecoder().decode(String.self, from: Data($0)) }
    }

    /// The ids of the first texts, without begin and end.
    func ids(_ form: String) throws -> [[Int]] {
        let classic = form == "classic" ? [] : try ids("classic")
        return try lines(form + ".ids").enumerated().map { index, line in
            if line.first == UInt8(ascii: "=") { return classic[index] }
            return line.split(separator: UInt8(ascii: " ")).compactMap { Int(String(decoding: $0, as: UTF8.self)) }
        }
    }

    private func lines(_ name: String) throws -> [Data.SubSequence] {
        let lines = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)).split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return lines.dropLast()
    }

    /// The texts for which `form` gives other ids than transformers, the first of them for a message.
    func differences(_ form: String) throws -> (compared: Int, differing: [String]) {
        let tokenizer = try tokenizer(form)
        let expected = try ids(form)
        let texts = try texts()
        #expect(expected.count <= texts.count)
        var differing: [String] = []
        for (text, ids) in zip(texts, expected) {
            let found = tokenizer.encode(text)
            if found.dropFirst().dropLast().elementsEqual(ids) { continue }
            differing.append("\(text.debugDescription): expected \(ids), found \(found)")
        }
        return (expected.count, differing)
    }
}
