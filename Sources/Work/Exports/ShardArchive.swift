// Images of a finished shard, each checked against the catalogue.

import Archives
import Catalogue
import Digests
import Stores

/// A finished shard's archive, opened by its list of members.
struct ShardArchive {
    private let archive: TarReader
    private let number: Int
    private let members: [String: TarMember]

    /// Lists the archive of `shard`.
    ///
    /// Throws ``ExportError`` with code `damaged` when it is missing or not an archive, with code `unreadable` when it
    /// cannot be read now, and `StoreError` when the whole object directory has gone.
    init(_ shard: ShardRow, in store: ObjectStore) throws {
        let recorded = try RecordedArchive(shard, in: store)
        number = shard.number
        do {
            archive = try TarReader(path: store.absolutePath(of: recorded.path), size: recorded.bytes)
            members = Dictionary(try archive.members().map { ($0.name, $0) }) { first, _ in first }
        } catch {
            if error.code == .missing { _ = try store.size(of: recorded.path) }
            throw Self.failure(number, error)
        }
    }

    /// The PNG of the sample with this key, whose bytes have the recorded digest.
    func image(_ key: String, digest: SHA256Digest) throws(ExportError) -> [UInt8] {
        guard let member = members[key + ".png"] else {
            throw .damaged(number, "\(archive.path): expected a member '\(key).png', found none")
        }
        let bytes: [UInt8]
        do { bytes = try archive.contents(of: member) } catch { throw Self.failure(number, error) }
        let found = SHA256.digest(of: bytes)
        guard found == digest else {
            throw .damaged(number, "\(archive.path), member '\(key).png': expected SHA-256 \(digest), found \(found)")
        }
        return bytes
    }

    private static func failure(_ number: Int, _ error: ArchiveError) -> ExportError {
        guard error.code.isOfTheSurroundings else { return .damaged(number, "\(error)") }
        return ExportError(
            .unreadable, "cannot export shard \(number): \(error); its file system has to be mended first")
    }
}

/// What the catalogue recorded of a finished shard's archive, as far as it can be believed.
struct RecordedArchive {
    /// Where the archive is, relative to the object directory: it follows from the shard's job and number.
    let path: String
    /// Its size.
    let bytes: Int
    /// Its SHA-256.
    let digest: SHA256Digest

    /// Throws ``ExportError`` with code `refused` for a shard that nobody packs, with code `damaged` for a record that is
    /// not complete or names another path.
    init(_ shard: ShardRow, in store: ObjectStore) throws(ExportError) {
        guard shard.needsArchive else {
            throw ExportError(
                .refused,
                "cannot export the job '\(shard.job)': expected archives of its finished shards, found none, since "
                    + "\(shard.follow.map { "\($0) follows them and recorded something else" } ?? "nothing follows them")"
            )
        }
        guard let recorded = shard.tar, let bytes = shard.bytes, let digest = shard.digest else {
            throw .damaged(shard.number, "expected a recorded path, size and SHA-256 of its archive, found none")
        }
        do {
            path = try store.path(ofShard: shard.job, number: shard.number, recorded: recorded)
        } catch {
            throw ExportError(.damaged, error.description)
        }
        (self.bytes, self.digest) = (bytes, digest)
    }
}

extension ExportError {
    /// What is stored of a shard is not what the catalogue recorded.
    static func damaged(_ number: Int, _ reason: String) -> ExportError {
        ExportError(
            .damaged, "cannot export shard \(number): \(reason); mend it with `detdiffusion-catalogue reconcile --fix`")
    }
}
