// `export coco`: generated images and one annotation file, alone or with the real set's.

public import Catalogue
import Digests
import Foundation
import Layouts
public import Stores
import Tasks

/// Writes finished shards as a folder that COCO readers read: `images/<key>.png`, `annotations.json`, `export.json`.
///
/// File names in the annotation file are relative to the folder, so the folder is the image root. Images come out of
/// the
/// shards' archives, each checked against its recorded SHA-256. Memory does not grow with the job or the real set.
public struct CocoExport: Sendable {
    /// The real set's annotation file to merge with.
    public struct RealSet: Sendable {
        /// The annotation file.
        public var path: String
        /// Put before its file names, so that a loader with one image root finds both: an absolute folder, or one
        /// relative to the export's. Names stay as they are if empty.
        public var prefix: String

        /// Names a real set.
        public init(path: String, prefix: String = "") {
            self.path = path
            self.prefix = prefix.isEmpty || prefix.hasSuffix("/") ? prefix : prefix + "/"
        }
    }

    /// What was written.
    public struct Result: Sendable, Hashable {
        /// The folder.
        public var folder: String
        /// Generated images.
        public var images = 0
        /// Objects of the generated images.
        public var objects = 0
        /// Images of the real set.
        public var realImages = 0
        /// Objects of the real set, crowds included.
        public var realObjects = 0
    }

    private let source: ExportSource
    private let catalogue: Catalogue
    private let store: ObjectStore

    /// Exports `source`, whose images lie in `store`.
    public init(_ source: ExportSource, catalogue: Catalogue, store: ObjectStore) {
        self.source = source
        self.catalogue = catalogue
        self.store = store
    }

    /// Writes the export to `destination`, instead of an earlier one there; nothing changes there until all is written.
    /// - Parameter onShard: called after each shard with how many are done.
    public func write(
        to destination: String, with real: RealSet? = nil, onShard: (Int) -> Void = { _ in }
    ) async throws -> Result {
        let summary = try real.map { real in try checked(real) }
        let folder = try ExportFolder(destination, form: .coco)
        do {
            let records = try RecordFragments(in: folder.partial, numbering: CocoNumbering(after: summary))
            try ExportFolder.makeFolder("\(folder.partial)/images")
            var shards: [ExportManifest.Shard] = []
            for (index, shard) in source.shards.enumerated() {
                let samples = try await write(shard, to: folder.partial, records: records)
                shards.append(.init(shard: shard.number, samples: samples, bytes: shard.bytes, sha256: shard.digest))
                onShard(index + 1)
            }
            try records.finish()
            try AnnotationFile(source: source, real: real.flatMap { real in summary.map { (real, $0) } })
                .write(to: "\(folder.partial)/annotations.json", records: records)
            try records.remove()
            let manifest = ExportManifest(.coco, of: source, shards: shards, objects: records.objects)
            try OutputFile.write(try manifest.encoded(), to: "\(folder.partial)/\(ExportForm.coco.marker)")
            try folder.commit()
            return Result(
                folder: folder.destination, images: manifest.samples, objects: records.objects,
                realImages: summary?.images ?? 0, realObjects: summary?.annotations ?? 0)
        } catch {
            folder.discard()
            throw error
        }
    }

    /// Reads what must be known of the real set, and refuses one with other categories.
    private func checked(_ real: RealSet) throws -> AnnotationSummary {
        let summary = try AnnotationSummary.read(path: real.path)
        let ours = Set(source.categories.map(CocoCategory.init))
        let theirs = Set(summary.categories.map(CocoCategory.init))
        guard let other = ours.symmetricDifference(theirs).min(by: { ($0.id, $0.name) < ($1.id, $1.name) }) else {
            return summary
        }
        let place = ours.contains(other) ? "only in the job" : "only in the real set"
        throw ExportError(
            .refused,
            "cannot merge the job '\(source.job.name)' with \(real.path): expected the same "
                + "\(ours.count) categories by id and name, found \(theirs.count) and '\(other.name)' (id "
                + "\(other.id)) \(place); give the file that the job was made from, or one with its categories"
        )
    }

    /// - Returns: how many images were written.
    private func write(_ shard: ShardRow, to folder: String, records: RecordFragments) async throws -> Int {
        let samples = try await catalogue.samples(ofShard: shard.id)
        let archive = try ShardArchive(shard, in: store)
        let (width, height) = (source.specification.width, source.specification.height)
        for sample in samples {
            try Task.checkCancellation()
            let task = try LayoutTask(decoding: sample.payload)
            let image = try archive.image(task.key, digest: sample.digest)
            try OutputFile.write(image, to: "\(folder)/images/\(task.key).png")
            try records.append(task, shard: shard.number, width: width, height: height)
        }
        return samples.count
    }
}
