// The small files of a checkpoint that can change a picture, as they were when they were read.

import Weights

/// Which of a checkpoint's texts there are, looked at before any is read, so that what was read can be told from what is
/// hashed later.
struct TextFiles: Sendable {
    /// The names that are there, relative to the folder.
    var names: [String] { identities.keys.sorted() }
    private let folder: String
    private let identities: [String: FileIdentity]

    /// The tokenizer's files, of which a folder has some.
    private static let tokenizerFiles = [
        "vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json", "tokenizer_config.json",
        "tokenizer.json",
    ]

    private static let candidates =
        tokenizerFiles.map { "tokenizer/\($0)" } + ["text_encoder", "unet", "vae"].map { "\($0)/config.json" }
        + ["scheduler/scheduler_config.json", "generation_config.json"]

    /// Looks at the files in `folder`.
    ///
    /// - Throws: ``CheckpointError`` for a link to a file that is not there, and where this user may not look.
    init(folder: String) throws(CheckpointError) {
        self.folder = folder
        identities = try Self.identities(in: folder)
    }

    private static func identities(in folder: String) throws(CheckpointError) -> [String: FileIdentity] {
        var found: [String: FileIdentity] = [:]
        for name in candidates where try SmallFile.isThere("\(folder)/\(name)") {
            found[name] = FileIdentity(path: "\(folder)/\(name)")
        }
        return found
    }

    /// Refuses files that were written, added or removed since they were looked at.
    func requireUnchanged() throws(CheckpointError) {
        let now = try Self.identities(in: folder)
        guard let name = Self.candidates.first(where: { now[$0] != identities[$0] }) else { return }
        throw CheckpointError(
            .content,
            "\(folder)/\(name): expected a file that nobody writes, found it changed while it was read; try again when the "
                + "checkpoint is complete")
    }
}
