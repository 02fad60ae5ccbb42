// Whether the weights in use are still those that were hashed.

import Digests
import Weights

/// The weight files of an opened checkpoint, and what they were when they were hashed.
///
/// Files are read by way of memory while they are used, so a write to one of them changes what is computed. Ask
/// ``isUnchanged`` after each computation, before its result counts, and call ``settle()`` before the next.
public struct WeightWatch: Sendable {
    private struct Watched: Sendable {
        let file: WeightFile
        let digest: SHA256Digest
        /// The file when it was last known to hold the bytes of that digest.
        var identity: FileIdentity
    }

    private var watched: [Watched] = []

    /// Hashes `files`, with the help of the cache.
    ///
    /// - Throws: ``CheckpointError`` for a file that was changed since it was opened, or while it was hashed.
    init(_ files: [WeightFile], cache: DigestCache) throws(CheckpointError) {
        for file in files {
            let digest = try cache.digest(of: file)
            guard try Self.identity(of: file) == file.identity else { throw Self.isBeingChanged(file) }
            watched.append(Watched(file: file, digest: digest, identity: file.identity))
        }
    }

    /// The digest of each file, in the order given.
    var digests: [SHA256Digest] { watched.map(\.digest) }

    /// Whether nobody has written to a file, or removed it, since this watch was made or last settled, and all that was
    /// read came from the files. One system call a file.
    public var isUnchanged: Bool {
        watched.allSatisfy { $0.file.isReadable && (try? $0.file.currentIdentity()) == $0.identity }
    }

    /// Finds out what has happened to the files: one that was only touched, and holds what it held, goes on being used.
    ///
    /// Hashes files that were touched, which takes seconds; else as quick as ``isUnchanged``.
    ///
    /// - Throws: ``CheckpointError`` for a file whose bytes are not those that were hashed, or that was removed.
    public mutating func settle() throws(CheckpointError) {
        for index in watched.indices { try Self.settle(&watched[index]) }
    }

    private static func settle(_ watched: inout Watched) throws(CheckpointError) {
        let file = watched.file
        do {
            try file.requireReadable()
        } catch {
            throw CheckpointError(.weights, error.description)
        }
        let now = try identity(of: file)
        guard now.links > 0 else {
            throw CheckpointError(
                .file,
                "\(file.path): expected the file that was opened, found it removed or replaced; start again with the "
                    + "checkpoint that is to be used")
        }
        guard now != watched.identity else { return }
        guard now.size == file.identity.size else {
            throw changed(file, "\(file.identity.size) bytes, as when it was opened", "\(now.size)")
        }
        let digest = try DigestCache.hash(file)
        guard digest == watched.digest else { throw changed(file, "SHA-256 \(watched.digest.hex)", digest.hex) }
        guard try identity(of: file) == now else { throw isBeingChanged(file) }
        watched.identity = now
    }

    private static func identity(of file: WeightFile) throws(CheckpointError) -> FileIdentity {
        do {
            return try file.currentIdentity()
        } catch {
            throw CheckpointError(.file, error.description)
        }
    }

    private static func changed(_ file: WeightFile, _ expected: String, _ found: String) -> CheckpointError {
        CheckpointError(
            .weights,
            "\(file.path): expected \(expected), found \(found): it was changed while it was used; start again, and replace "
                + "such files by renaming others over them")
    }

    private static func isBeingChanged(_ file: WeightFile) -> CheckpointError {
        CheckpointError(
            .weights,
            "\(file.path): expected a file that nobody writes, found it changed while it was read; try again when the "
                + "checkpoint is complete")
    }
}
