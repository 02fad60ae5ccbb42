// Images of a finished shard, each checked against the catalogue.

import Archives
import Catalogue
import Digests
import Files
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
    init(_ shard: ShardRow, in store: any ObjectStore) throws {
        let recorded = try RecordedArchive(shard)
        number = shard.number
        do {
            archive = TarReader(try recorded.open(in: store))
            members = Dictionary(try archive.members().map { ($0.name, $0) }) { first, _ in first }
        } catch let error as ArchiveError {
            throw Self.failure(number, error)
        }
    }

    /// The PNG of the sample with this key, whose bytes have the recorded digest.
    func image(_ key: String, digest: SHA256Digest) throws(ExportError) -> [UInt8] {
        guard let member = members[key + ".png"] else {
            throw .damaged(number, "\(archive.place): expected a member '\(key).png', found none")
        }
        let bytes: [UInt8]
        do { bytes = try archive.contents(of: member) } catch { throw Self.failure(number, error) }
        let found = SHA256.digest(of: bytes)
        guard found == digest else {
            throw .damaged(number, "\(archive.place), member '\(key).png': expected SHA-256 \(digest), found \(found)")
        }
        return bytes
    }

    /// The JSON beside the image of the sample with this key.
    func record(_ key: String) throws(ExportError) -> [UInt8] {
        guard let member = members[key + ".json"] else {
            throw .damaged(number, "\(archive.place): expected a member '\(key).json', found none")
        }
        do { return try archive.contents(of: member) } catch { throw Self.failure(number, error) }
    }

    private static func failure(_ number: Int, _ error: ArchiveError) -> ExportError {
        guard error.code.isOfTheSurroundings else { return .damaged(number, "\(error)") }
        return ExportError(
            .unreadable, "cannot export shard \(number): \(error); its file system has to be mended first")
    }
}

/// What the catalogue recorded of a finished shard's archive, as far as it can be believed.
struct RecordedArchive {
    /// The archive's name: it follows from the shard's job and number.
    let name: ArchiveName
    /// Its size.
    let bytes: Int
    /// Its SHA-256.
    let digest: SHA256Digest

    /// Throws ``ExportError`` with code `refused` for a shard that nobody packs, with code `damaged` for a record that is
    /// not complete or names another path.
    init(_ shard: ShardRow) throws(ExportError) {
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
            name = try ArchiveName(job: shard.job, number: shard.number, recorded: recorded)
        } catch {
            throw ExportError(.damaged, error.description)
        }
        (self.bytes, self.digest) = (bytes, digest)
    }

    /// Opens the archive: a file of the recorded size, and nothing else.
    ///
    /// Throws as ``ShardArchive/init(_:in:)`` does.
    func open(in store: any ObjectStore) throws -> any ByteReader {
        try reporting(from: store) { () throws(StoreError) in try store.open(.archive(name), size: bytes) }
    }

    /// The archive as a file of this host; `nil` for a store that has none.
    func localFile(in store: any ObjectStore) throws -> RegularFile? {
        try reporting(from: store) { () throws(StoreError) in try store.localFile(.archive(name), size: bytes) }
    }

    /// Tells what says something about the archive from what says something about the store.
    private func reporting<Value>(
        from store: any ObjectStore, _ body: () throws(StoreError) -> Value
    ) throws -> Value {
        do {
            return try body()
        } catch  where error.code == .missing {
            let place = store.place(of: .archive(name))
            throw ExportError.damaged(name.number, "expected its archive at \(place), found none")
        } catch  where error.code == .corrupt {
            throw ExportError.damaged(name.number, error.what)
        } catch  where error.code == .away || error.code == .foreign {
            throw error
        } catch {
            throw ExportError(
                .unreadable, "cannot export shard \(name.number): \(error.what); its file system has to be mended first"
            )
        }
    }
}

extension ExportError {
    /// What is stored of a shard is not what the catalogue recorded.
    static func damaged(_ number: Int, _ reason: String) -> ExportError {
        ExportError(
            .damaged, "cannot export shard \(number): \(reason); mend it with `detdiffusion-catalogue reconcile --fix`")
    }
}
