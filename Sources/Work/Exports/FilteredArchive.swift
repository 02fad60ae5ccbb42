// A shard's archive without the images that a gate left out.

import Archives
import Catalogue
import Digests
import Files
import Stores

/// Writes what is kept of a finished shard's archive as an archive of its own: the same members in the same order.
struct FilteredArchive {
    /// Its size.
    let bytes: Int
    /// Its SHA-256.
    let digest: SHA256Digest

    /// Writes the samples of `outputs` out of the archive of `shard` as `name` in `folder`; images are checked against their
    /// recorded hashes.
    init(
        of shard: ShardRow, keeping outputs: [ShardOutput], in store: any ObjectStore, as name: String,
        in folder: Folder
    ) throws {
        let archive = try ShardArchive(shard, in: store)
        let path = folder.path(of: name)
        do {
            let writer = try TarWriter(path: path)
            for output in outputs {
                try Task.checkCancellation()
                try writer.append(
                    name: output.key + ".png", contents: try archive.image(output.key, digest: output.digest))
                try writer.append(name: output.key + ".json", contents: try archive.record(output.key))
            }
            bytes = try writer.finish()
        } catch let error as ArchiveError {
            throw ExportError(.destination, "cannot write \(path): \(error)")
        }
        do { digest = try RegularFile(path: path, size: bytes).digest() } catch { throw ExportError.reading(error) }
    }
}
