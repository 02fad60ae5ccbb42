// Images of a finished shard, each checked against the catalogue.

import Archives
import Catalogue
import Digests
import Stores

/// A finished shard's archive, opened by its list of members.
struct ShardArchive {
    private let path: String
    private let number: Int
    private let members: [String: TarMember]

    /// Lists the archive of `shard`.
    ///
    /// Throws ``ExportError`` with code `damaged` when it is missing or not an archive, with code `unreadable` when it
    /// cannot be read now, and `StoreError` when the whole object directory has gone.
    init(_ shard: ShardRow, in store: ObjectStore) throws {
        guard let tar = shard.tar else { preconditionFailure("a finished shard has an archive") }
        path = store.absolutePath(of: tar)
        number = shard.number
        do {
            members = Dictionary(try TarReader.members(of: path).map { ($0.name, $0) }) { first, _ in first }
        } catch {
            if error.code == .missing { _ = try store.size(of: tar) }
            throw Self.failure(number, error)
        }
    }

    /// The PNG of the sample with this key, whose bytes have the recorded digest.
    func image(_ key: String, digest: SHA256Digest) throws(ExportError) -> [UInt8] {
        guard let member = members[key + ".png"] else {
            throw Self.damaged(number, "\(path): expected a member '\(key).png', found none")
        }
        let bytes: [UInt8]
        do { bytes = try TarReader.contents(of: member, path: path) } catch { throw Self.failure(number, error) }
        let found = SHA256.digest(of: bytes)
        guard found == digest else {
            throw Self.damaged(number, "\(path), member '\(key).png': expected SHA-256 \(digest), found \(found)")
        }
        return bytes
    }

    private static func failure(_ number: Int, _ error: ArchiveError) -> ExportError {
        guard error.code.isOfTheSurroundings else { return damaged(number, "\(error)") }
        return ExportError(
            .unreadable, "cannot export shard \(number): \(error); its file system has to be mended first")
    }

    private static func damaged(_ number: Int, _ reason: String) -> ExportError {
        ExportError(
            .damaged, "cannot export shard \(number): \(reason); mend it with `detdiffusion-catalogue reconcile --fix`")
    }
}
