// What an export says of itself: `export.manifest` of a COCO export, `index.json` of a WebDataset one.

import Catalogue
public import Digests
import Files
import Foundation
public import Layouts
import Tasks

/// Where an export comes from and what it holds; it also marks the folder as one that a later export may replace.
public struct ExportManifest: Codable, Sendable, Hashable {
    /// One finished shard.
    public struct Shard: Codable, Sendable, Hashable {
        /// Its number in the job.
        public var shard: Int
        /// Its images.
        public var samples: Int
        /// Its images that the job's gate, or other thresholds, left out; absent where there are none.
        public var leftOut: Int?
        /// Its archive's size; like the next, absent where the catalogue has none.
        public var bytes: Int?
        /// SHA-256 of its archive.
        public var sha256: SHA256Digest?
        /// Its archive's name in the folder, where the export has archives.
        public var tar: String?
    }

    /// `detdiffusion.export.coco.v1` or `detdiffusion.export.webdataset.v1`.
    public var format: String
    /// The job's name.
    public var job: String
    /// `origin`, `hard`, `easy` or `mixed`.
    public var strategy: String
    /// The rules of strategy `mixed`.
    public var rules: MixedRules?
    /// SHA-256 of those rules' canonical JSON.
    public var rulesDigest: SHA256Digest?
    /// When the job was made: ISO 8601, UTC.
    public var createdAt: String
    /// Generated images.
    public var samples: Int
    /// Generated images that the job's gate, or other thresholds, left out; absent where there are none.
    public var leftOut: Int?
    /// Generated objects, where they were counted.
    public var objects: Int?
    /// False when shards of the job were not finished.
    public var complete: Bool
    /// The shards that were exported, by number.
    public var shards: [Shard]
    /// The real set that the export is merged with, where it is.
    public var real: Real?

    /// A real set in an export.
    public struct Real: Codable, Sendable, Hashable {
        /// Its images.
        public var images: Int
        /// Its objects, crowds included.
        public var objects: Int
        /// SHA-256 of its annotation file's text, unpacked and without a byte order mark.
        public var sha256: SHA256Digest
    }

    init(
        _ form: ExportForm, of source: ExportSource, shards: [Shard], objects: Int? = nil, real: RealSetCopy? = nil
    ) {
        format = form.format
        job = source.job.name
        strategy = source.specification.strategy.rawValue
        rules = source.specification.rules
        rulesDigest = rules?.digest
        createdAt = source.createdAt
        samples = shards.reduce(0) { $0 + $1.samples }
        let leftOut = shards.reduce(0) { $0 + ($1.leftOut ?? 0) }
        self.leftOut = leftOut > 0 ? leftOut : nil
        self.objects = objects
        complete = source.unfinished.isEmpty
        self.shards = shards
        self.real = real.map {
            Real(images: $0.summary.images, objects: $0.summary.annotations, sha256: $0.digest)
        }
    }

    /// Indented JSON, the same bytes for the same contents.
    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        return Array(try encoder.encode(self)) + Array("\n".utf8)
    }

    /// What marks a folder as an export, whatever else its manifest says.
    struct Head: Decodable {
        var format: String
        var job: String
    }

    /// The most bytes that a manifest may have: that of a million shards has fewer.
    private static let sizeLimit = 256 << 20

    /// The head of the manifest of this name in a folder; `nil` for a file that is no manifest.
    static func head(_ name: String, in folder: Folder) -> Head? {
        // Anything else than a manifest is somebody else's file, whatever is wrong with it.
        guard let bytes = try? folder.file(name).contents(limit: sizeLimit) else { return nil }
        return try? JSONDecoder().decode(Head.self, from: Data(bytes))
    }
}
