// `export webdataset`: the finished shards' archives under consecutive numbers, and an index.

public import Catalogue
import Digests
import Files
import Foundation
public import Stores

/// Copies or links finished shards' archives, each checked against its recorded SHA-256.
public struct WebDatasetExport: Sendable {
    /// What was written.
    public struct Result: Sendable, Hashable {
        /// The folder.
        public var folder: String
        /// Archives written.
        public var shards: Int
        /// Images in them.
        public var samples: Int
        /// Images that the gate or the thresholds left out.
        public var leftOut: Int
        /// What `webdataset.WebDataset` takes, for example `/data/job-{000000..000004}.tar`.
        public var url: String
    }

    private let source: ExportSource
    private let filter: GateFilter
    private let outputs: @Sendable (_ shard: Int64) async throws -> [ShardOutput]
    private let store: any ObjectStore

    /// Exports those images of `source` that `filter` keeps; its shards lie in `store`. A shard of which something is left out
    /// is written anew.
    public init(_ source: ExportSource, keeping filter: GateFilter, catalogue: Catalogue, store: any ObjectStore) {
        self.init(source, keeping: filter, store: store) { try await catalogue.outputs(ofShard: $0) }
    }

    /// - Parameter outputs: a shard's recorded images; asked only where the filter may leave some out.
    init(
        _ source: ExportSource, keeping filter: GateFilter, store: any ObjectStore,
        outputs: @escaping @Sendable (_ shard: Int64) async throws -> [ShardOutput]
    ) {
        self.source = source
        self.filter = filter
        self.outputs = outputs
        self.store = store
    }

    /// Writes `<job>-000000.tar` ... and `index.json` to `destination`, instead of an earlier export there.
    ///
    /// Numbers are consecutive also when shards are missing, since the brace notation has no gaps; `index.json` says
    /// which shard each archive is.
    /// - Parameters:
    ///   - samples: how many images each shard has, in the order of the source's shards.
    ///   - links: hard links instead of copies; the store then has to be a folder, and the destination to
    ///     lie on its file system.
    ///   - onShard: called after each shard with how many are done.
    public func write(
        to destination: String, samples: [Int], links: Bool = false, onShard: (Int) -> Void = { _ in }
    ) async throws -> Result {
        precondition(samples.count == source.shards.count, "every shard has a number of samples")
        guard !source.shards.isEmpty else {
            throw ExportError(
                .refused,
                "cannot export the job '\(source.job.name)': expected finished shards, found none; wait "
                    + "for the first one"
            )
        }
        let folder = try ExportFolder(destination, form: .webdataset)
        do {
            var shards: [ExportManifest.Shard] = []
            for (index, shard) in source.shards.enumerated() {
                let name = "\(source.job.name)-\(Self.digits(index)).tar"
                shards.append(
                    try await write(shard, samples: samples[index], as: name, links: links, in: folder.partial))
                onShard(index + 1)
            }
            let manifest = ExportManifest(.webdataset, of: source, shards: shards)
            try OutputFile.write(try manifest.encoded(), as: ExportForm.webdataset.marker, in: folder.partial)
            try folder.commit()
            return Result(
                folder: folder.destination, shards: shards.count, samples: manifest.samples,
                leftOut: manifest.leftOut ?? 0,
                url: "\(folder.destination)/\(Self.braces(source.job.name, count: shards.count))")
        } catch {
            folder.discard()
            throw error
        }
    }

    private func write(
        _ shard: ShardRow, samples: Int, as name: String, links: Bool, in folder: Folder
    ) async throws -> ExportManifest.Shard {
        if !filter.keepsAll {
            let outputs = try await outputs(shard.id)
            let kept = try outputs.filter(filter.keeps)
            if kept.count < outputs.count {
                let archive = try FilteredArchive(of: shard, keeping: kept, in: store, as: name, in: folder)
                return ExportManifest.Shard(
                    shard: shard.number, samples: kept.count, leftOut: outputs.count - kept.count,
                    bytes: archive.bytes, sha256: archive.digest, tar: name)
            }
        }
        let recorded = try RecordedArchive(shard)
        try take(recorded, of: shard, as: name, links: links, in: folder)
        return ExportManifest.Shard(
            shard: shard.number, samples: samples, bytes: recorded.bytes, sha256: recorded.digest, tar: name)
    }

    /// Brings an archive into the export, and holds it against its recorded hash.
    private func take(
        _ recorded: RecordedArchive, of shard: ShardRow, as name: String, links: Bool, in folder: Folder
    ) throws {
        let found = try links ? link(recorded, name, in: folder) : copy(recorded, name, in: folder)
        guard found == recorded.digest else {
            let place = store.place(of: .archive(recorded.name))
            throw ExportError.damaged(shard.number, "\(place): expected SHA-256 \(recorded.digest), found \(found)")
        }
    }

    /// `job-{000000..000004}.tar`.
    static func braces(_ job: String, count: Int) -> String { "\(job)-{\(digits(0))..\(digits(count - 1))}.tar" }

    private static func digits(_ number: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 6 - text.count)) + text
    }

    private func copy(_ recorded: RecordedArchive, _ name: String, in folder: Folder) throws -> SHA256Digest {
        let archive = try recorded.open(in: store)
        var hasher = SHA256Hasher()
        let file = try OutputFile(name, in: folder)
        try archive.forEachPiece(mapping: ExportError.reading) { piece throws(ExportError) in
            hasher.update(piece)
            try file.write(Array(piece))
        }
        try file.finish()
        return hasher.finalize()
    }

    private func link(_ recorded: RecordedArchive, _ name: String, in folder: Folder) throws -> SHA256Digest {
        guard let archive = try recorded.localFile(in: store) else {
            throw ExportError(
                .destination,
                "cannot link \(store.place(of: .archive(recorded.name))) to \(folder.path(of: name)): expected a store whose"
                    + " files lie on this host, found another; leave out --link to copy")
        }
        do {
            try folder.link(archive, as: name)
        } catch  where error.number == EXDEV {
            throw ExportError(
                .destination,
                "cannot link \(archive.path) to \(folder.path(of: name)): expected one file system, found two; leave out --link"
                    + " to copy")
        } catch {
            throw ExportError.system(error)
        }
        do { return try archive.digest() } catch { throw ExportError.reading(error) }
    }
}
