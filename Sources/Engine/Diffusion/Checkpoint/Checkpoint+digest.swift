// The identity of a checkpoint: what its files contain.

public import Digests

extension Checkpoint {
    /// The SHA-256 of all files that can change a picture.
    ///
    /// These are the weight files that are read, `config.json` of text_encoder, unet and vae, the tokenizer's files,
    /// scheduler/scheduler_config.json and generation_config.json if it is there. model_index.json names only
    /// classes, and what else lies in the folder is not read: neither counts. The digest is that of the listing which
    /// `sha256sum` prints of these files, run in the folder with the names in the order of their bytes: for each a line
    /// of 64 hexadecimal digits, two spaces and the relative path. So names and contents count, and the folder's own
    /// name does not; the same weights in another file format are another checkpoint.
    ///
    /// The hash of a large file is kept in the user's cache folder under the file's device, inode, size and times, so
    /// that only the first call reads it.
    ///
    /// - Parameter cache: where to keep the hashes.
    /// - Throws: ``CheckpointError`` when a file cannot be read, or was changed since it was.
    public func digest(cache: DigestCache = .user) throws(CheckpointError) -> SHA256Digest {
        try identified(cache: cache).digest
    }

    /// The digest, as ``digest(cache:)`` gives it, and a watch over the weight files that were hashed for it. Both are of
    /// the very files that this checkpoint has opened and read.
    ///
    /// - Throws: ``CheckpointError`` when a file cannot be read, or was changed since it was.
    public func identified(
        cache: DigestCache = .user
    ) throws(CheckpointError) -> (digest: SHA256Digest, weights: WeightWatch) {
        let watch = try WeightWatch(weightFiles, cache: cache)
        var digests = Dictionary(zip(parts.flatMap(\.files), watch.digests), uniquingKeysWith: { first, _ in first })
        for name in texts.names {
            do {
                digests[name] = try cache.digest(ofFileAt: "\(folder)/\(name)")
            } catch {
                throw CheckpointError(.file, error.description)
            }
        }
        try texts.requireUnchanged()
        let listing = digests.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            .map { "\($0.value.hex)  \($0.key)\n" }
        return (SHA256.digest(of: listing.joined()), watch)
    }

    /// The files that count, relative to the folder, in the order of their bytes.
    var digestedFiles: [String] {
        (texts.names + parts.flatMap(\.files)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
