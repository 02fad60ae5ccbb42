// The identity of a checkpoint: what its files contain.

public import Digests
import Foundation

extension Checkpoint {
    /// The tokenizer's files, of which a folder has some.
    private static let tokenizerFiles = [
        "vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json", "tokenizer_config.json",
        "tokenizer.json",
    ]

    /// The SHA-256 of all files that can change a picture.
    ///
    /// These are the weight files that are read, `config.json` of text_encoder, unet and vae, the tokenizer's files,
    /// scheduler/scheduler_config.json and, where there is one, generation_config.json. model_index.json names only
    /// classes, and what else lies in the folder is not read: neither counts. The digest is that of the listing which
    /// `sha256sum` prints of these files, run in the folder with the names in the order of their bytes: for each a line
    /// of 64 hexadecimal digits, two spaces and the relative path. So names and contents count, and the folder's own
    /// name does not; the same weights in another file format are another checkpoint.
    ///
    /// The hash of a large file is kept in the user's cache folder under the file's device, inode, size and times, so
    /// that only the first call reads it.
    ///
    /// - Parameter cache: where to keep the hashes.
    /// - Throws: ``CheckpointError`` when a file cannot be read.
    public func digest(cache: DigestCache = .user) throws(CheckpointError) -> SHA256Digest {
        var listing = ""
        for file in digestedFiles {
            do {
                listing += "\(try cache.digest(ofFileAt: "\(folder)/\(file)").hex)  \(file)\n"
            } catch {
                throw CheckpointError(.file, error.description)
            }
        }
        return SHA256.digest(of: listing)
    }

    /// The files that count, relative to the folder, in the order of their bytes.
    var digestedFiles: [String] {
        let candidates =
            Self.tokenizerFiles.map { "tokenizer/\($0)" } + parts.map { "\($0.name)/config.json" }
            + ["scheduler/scheduler_config.json", "generation_config.json"]
        let present = candidates.filter { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
        return (present + parts.flatMap(\.files)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
