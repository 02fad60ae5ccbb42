// `export coco`: generated images and one annotation file, alone or with the real set's.

public import Catalogue
import Digests
import Files
import Foundation
import Layouts
public import Stores
import Tasks

/// Writes finished shards as a folder that COCO and YOLO readers read: `images/<job>-<key>.png`, `annotations.json`,
/// `export.manifest`.
///
/// File names in the annotation file are relative to the folder `images`, so that one is the image root. Images come
/// out of the shards' archives, each checked against its recorded SHA-256. Memory does not grow with the job or the
/// real set.
public struct CocoExport: Sendable {
    /// The real set's annotation file to merge with.
    public struct RealSet: Sendable {
        /// The annotation file.
        public var path: String
        /// Put before its relative file names, so that a loader with one image root finds both: an absolute folder, or one
        /// relative to the export's images. Names stay as they are if empty; absolute names and URLs always do.
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
        /// Generated images that the gate or the thresholds left out.
        public var leftOut = 0
        /// Objects of the generated images.
        public var objects = 0
        /// Images of the real set.
        public var realImages = 0
        /// Objects of the real set, crowds included.
        public var realObjects = 0
    }

    private let source: ExportSource
    private let catalogue: Catalogue
    private let store: any ObjectStore
    private let filter: GateFilter

    /// Exports those images of `source` that `filter` keeps; they lie in `store`.
    public init(_ source: ExportSource, keeping filter: GateFilter, catalogue: Catalogue, store: any ObjectStore) {
        self.source = source
        self.filter = filter
        self.catalogue = catalogue
        self.store = store
    }

    /// Writes the export to `destination`, instead of an earlier one there; nothing changes there until all is written.
    /// - Parameter onShard: called after each shard with how many are done.
    public func write(
        to destination: String, with real: RealSet? = nil, onShard: (Int) -> Void = { _ in }
    ) async throws -> Result {
        try real.map { set throws(ExportError) in try checkPlace(of: set, destination: destination) }
        let folder = try ExportFolder(destination, form: .coco)
        do {
            let names = ImageNames(job: source.job.name)
            let real = try real.map { set in
                let copy = try RealSetCopy(
                    of: set, in: folder.partial, isTaken: names.contain)
                try checkCategories(copy.summary, path: set.path)
                return copy
            }
            let numbering = try CocoNumbering(names, after: real?.summary)
            let records = try RecordFragments(in: folder.partial, numbering: numbering)
            let images = try folder.makeFolder("images")
            var shards: [ExportManifest.Shard] = []
            for (index, shard) in source.shards.enumerated() {
                let (samples, leftOut) = try await write(shard, to: images, names: names, records: records)
                shards.append(
                    .init(
                        shard: shard.number, samples: samples, leftOut: leftOut > 0 ? leftOut : nil, bytes: shard.bytes,
                        sha256: shard.digest))
                onShard(index + 1)
            }
            try records.finish()
            try AnnotationFile(source: source, real: real)
                .write(as: "annotations.json", in: folder.partial, records: records)
            try records.remove()
            try real?.remove()
            let manifest = ExportManifest(.coco, of: source, shards: shards, objects: records.objects, real: real)
            try OutputFile.write(try manifest.encoded(), as: ExportForm.coco.marker, in: folder.partial)
            try folder.commit()
            return Result(
                folder: folder.destination, images: manifest.samples, leftOut: manifest.leftOut ?? 0,
                objects: records.objects,
                realImages: real?.summary.images ?? 0, realObjects: real?.summary.annotations ?? 0)
        } catch {
            folder.discard()
            throw error
        }
    }

    /// Refuses a real set in the export's own folder: the export would replace the images that it names.
    private func checkPlace(of set: RealSet, destination: String) throws(ExportError) {
        let place = URL(fileURLWithPath: destination).standardizedFileURL.resolvingSymlinksInPath().path
        let file = URL(fileURLWithPath: set.path).standardizedFileURL.resolvingSymlinksInPath().path
        guard file.hasPrefix(place + "/") else { return }
        throw ExportError(
            .refused,
            "cannot merge with \(set.path): expected a real set outside of \(destination), whose earlier export goes with "
                + "its images, found it in there; choose another --out")
    }

    /// Refuses a real set that lacks one of the job's categories, or has another name for its id.
    ///
    /// Categories that only the real set has are no contradiction: the job may come from a part of it.
    private func checkCategories(_ real: AnnotationSummary, path: String) throws(ExportError) {
        let byID = Dictionary(real.categories.map { ($0.id, $0) }) { first, _ in first }
        for ours in source.categories where byID[ours.id]?.name != ours.name {
            let found =
                if let other = byID[ours.id] {
                    "'\(other.name)' with that id in the real set"
                } else if let other = real.categories.first(where: { $0.name == ours.name }) {
                    "it with id \(other.id) in the real set"
                } else {
                    "none of that id in the real set"
                }
            throw ExportError(
                .refused,
                "cannot merge the job '\(source.job.name)' with \(path): expected the job's categories by id and name, "
                    + "'\(ours.name)' (id \(ours.id)) among them, found \(found); give a real set with the job's categories, "
                    + "or renumber it")
        }
    }

    /// - Returns: how many images were written, and how many left out.
    private func write(
        _ shard: ShardRow, to folder: Folder, names: ImageNames, records: RecordFragments
    ) async throws -> (written: Int, leftOut: Int) {
        let recorded = try await catalogue.outputs(ofShard: shard.id)
        let outputs = try recorded.filter(filter.keeps)
        let archive = try ShardArchive(shard, in: store)
        let (width, height) = (source.specification.width, source.specification.height)
        for output in outputs {
            try Task.checkCancellation()
            let task = try output.task()
            let image = try archive.image(task.key, digest: output.digest)
            try OutputFile.write(image, as: names.name(of: task), in: folder)
            try records.append(task, shard: shard.number, width: width, height: height)
        }
        return (outputs.count, recorded.count - outputs.count)
    }
}
