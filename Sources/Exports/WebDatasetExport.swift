// `export webdataset`: the finished shards' archives under consecutive numbers, and an index.

import Catalogue
import Digests
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
        /// What `webdataset.WebDataset` takes, for example `/data/job-{000000..000004}.tar`.
        public var url: String
    }

    private let source: ExportSource
    private let store: ObjectStore

    /// Exports `source`, whose shards lie in `store`.
    public init(_ source: ExportSource, store: ObjectStore) {
        self.source = source
        self.store = store
    }

    /// Writes `<job>-000000.tar` ... and `index.json` to `destination`, instead of an earlier export there.
    ///
    /// Numbers are consecutive also when shards are missing, since the brace notation has no gaps; `index.json` says
    /// which
    /// shard each archive is.
    /// - Parameters:
    ///   - samples: how many images each shard has, in the order of the source's shards.
    ///   - links: hard links instead of copies; the destination then has to lie on the object directory's file system.
    ///   - onShard: called after each shard with how many are done.
    public func write(
        to destination: String, samples: [Int], links: Bool = false, onShard: (Int) -> Void = { _ in }
    ) throws -> Result {
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
                guard let tar = shard.tar, let digest = shard.digest else {
                    preconditionFailure("a finished shard has an archive")
                }
                guard try store.size(of: tar) != nil else {
                    throw ExportError(
                        .damaged,
                        "cannot export shard \(shard.number): expected its archive at \(store.absolutePath(of: tar)), found "
                            + "none; mend it with `detdiffusion-catalogue reconcile --fix`")
                }
                let name = "\(source.job.name)-\(Self.digits(index)).tar"
                let path = store.absolutePath(of: tar)
                let target = "\(folder.partial)/\(name)"
                let found = try links ? link(path, target) : copy(path, target)
                guard found == digest else {
                    throw ExportError(
                        .damaged,
                        "cannot export shard \(shard.number): \(path): expected SHA-256 \(digest), found "
                            + "\(found); mend it with `detdiffusion-catalogue reconcile --fix`"
                    )
                }
                shards.append(
                    .init(shard: shard.number, samples: samples[index], bytes: shard.bytes, sha256: digest, tar: name))
                onShard(index + 1)
            }
            let manifest = ExportManifest(.webdataset, of: source, shards: shards)
            try OutputFile.write(try manifest.encoded(), to: "\(folder.partial)/\(ExportForm.webdataset.marker)")
            try folder.commit()
            return Result(
                folder: folder.destination, shards: shards.count, samples: manifest.samples,
                url: "\(folder.destination)/\(Self.braces(source.job.name, count: shards.count))")
        } catch {
            folder.discard()
            throw error
        }
    }

    /// `job-{000000..000004}.tar`.
    static func braces(_ job: String, count: Int) -> String { "\(job)-{\(digits(0))..\(digits(count - 1))}.tar" }

    private static func digits(_ number: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 6 - text.count)) + text
    }

    private func copy(_ path: String, _ target: String) throws(ExportError) -> SHA256Digest {
        var hasher = SHA256Hasher()
        let file = try OutputFile(path: target)
        try InputFile(path: path).forEachPiece { piece throws(ExportError) in
            hasher.update(piece)
            try file.write(piece)
        }
        try file.finish()
        return hasher.finalize()
    }

    private func link(_ path: String, _ target: String) throws -> SHA256Digest {
        guard Foundation.link(path, target) == 0 else {
            if errno == EXDEV {
                throw ExportError(
                    .destination,
                    "cannot link \(path) to \(target): expected one file system, found two; leave out --link to copy")
            }
            throw ExportError.system("link \(path) to", target)
        }
        return try SHA256.digest(ofFileAt: target)
    }
}
