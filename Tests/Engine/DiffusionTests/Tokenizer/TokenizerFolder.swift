// Tokenizer folders that tests change.

import Foundation

/// A copy of a golden tokenizer folder, removed when the test is done with it.
final class TokenizerFolder {
    let path: String

    init(_ form: String = "classic") throws {
        path = FileManager.default.temporaryDirectory.appending(path: "tokenizer-" + UUID().uuidString).path
        try FileManager.default.copyItem(atPath: TokenizerGolden.small.folder + "/" + form, toPath: path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path + "/" + name) }

    func text(_ name: String) throws -> String { try String(contentsOfFile: path + "/" + name, encoding: .utf8) }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
    }

    /// Replaces the first place where `name` has `old`.
    func replace(_ old: String, by new: String, in name: String) throws {
        let text = try text(name)
        guard let range = text.range(of: old) else { throw CocoaError(.fileReadCorruptFile) }
        try write(text.replacingCharacters(in: range, with: new), to: name)
    }
}
