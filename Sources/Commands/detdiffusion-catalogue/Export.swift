// `export coco` and `export webdataset`: finished shards for detector training.

import ArgumentParser
import Catalogue
import Console
import Exports
import Foundation
import Stores

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes a job's finished shards for detector training.",
        discussion: """
            An export is made in a folder within DIR and moved into place when it is complete; an earlier export there is \
            replaced, anything else is refused. DIR may be a mount point or the current folder. A job with unfinished shards is refused, too (--incomplete \
            leaves them out).
            """,
        subcommands: [ExportCocoCommand.self, ExportWebDatasetCommand.self])
}

/// What both exports are given.
struct ExportOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The job.", valueName: "name")) var job: String
    @Option(help: ArgumentHelp("The folder to write.", valueName: "dir")) var out: String
    @Flag(help: "Export what is finished, though shards are missing.") var incomplete = false
    @Option(
        help: ArgumentHelp(
            "Of a job with a gate: export images of whose easy objects at least this share is found. Default: the gate's.",
            valueName: "share"))
    var minRecall: Double?
    @Option(
        help: ArgumentHelp(
            "Of a job with a gate: the score from which a detection counts. Default: the gate's.", valueName: "score"))
    var minScore: Double?
    @OptionGroup var objects: StoreOptions
    @OptionGroup var options: CatalogueOptions

    /// Which images are exported.
    func filter(of source: ExportSource) throws(ExportError) -> GateFilter {
        try GateFilter(.init(minRecall: minRecall, minScore: minScore), of: source)
    }

    /// Says what the gate or other thresholds left out.
    func tellLeftOut(_ count: Int) {
        guard count > 0 else { return }
        remark("\(Format.count(count)) images did not pass the gate and are left out")
    }

    /// Opens catalogue and store and looks the job up.
    func open() async throws -> (source: ExportSource, catalogue: Catalogue, store: any ObjectStore) {
        _ = try objects.site()
        let catalogue = try await options.open()
        let store = try await objects.open(of: catalogue, for: .reading)
        let source = try await exporting {
            try await ExportSource.load(job: job, from: catalogue, allowingIncomplete: incomplete)
        }
        if !source.unfinished.isEmpty {
            remark("the job '\(job)': \(Format.count(source.unfinished.count)) unfinished shards are left out")
        }
        return (source, catalogue, store)
    }

    /// Shows on a terminal how many shards are done.
    func showProgress(_ done: Int, of total: Int) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        let end = done == total ? "\n" : ""
        remark("\(Format.count(done)) of \(Format.count(total)) shards", after: .freshLine, terminator: end)
    }
}

struct ExportCocoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coco", abstract: "Images and an annotation file for pycocotools, torchvision and mmdetection.",
        discussion: """
            Writes DIR/images/<job>-<image>-<sample>.png, DIR/annotations.json and DIR/export.manifest. File names have no \
            folder, so DIR/images is the image root: CocoDetection(root=DIR/images, annFile=DIR/annotations.json).
            With --with-real, the real set's file passes through byte by byte, and generated images and objects follow \
            with ids above its largest ones; it has to have the job's categories. It may be gzip or a pipe. For a loader \
            with one image root, give the folder of the real images as --real-prefix: an absolute path, which loaders take \
            as it is, or one relative to DIR/images. Absolute names and URLs stay as they are.
            """)

    @OptionGroup var export: ExportOptions

    @Option(help: ArgumentHelp("Merge with this COCO annotation file.", valueName: "file")) var withReal: String?

    @Option(help: ArgumentHelp("Put this folder before the real set's file names.", valueName: "path"))
    var realPrefix: String?

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            guard realPrefix == nil || withReal != nil else {
                throw CommandError(
                    .usage, "--real-prefix: it is about the real set; give one with --with-real, or drop the option")
            }
            guard realPrefix?.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) != true else {
                throw CommandError(
                    .usage, "--real-prefix: expected a path without line ends and control characters; take them out")
            }
            let (source, catalogue, store) = try await export.open()
            let real = withReal.map { CocoExport.RealSet(path: $0, prefix: realPrefix ?? "") }
            let result = try await exporting {
                try await CocoExport(
                    source, keeping: try export.filter(of: source), catalogue: catalogue, store: store
                ).write(to: export.out, with: real) { export.showProgress($0, of: source.shards.count) }
            }
            export.tellLeftOut(result.leftOut)
            tell(Self.line("job '\(export.job)'", images: result.images, objects: result.objects))
            if real != nil { tell(Self.line("real set", images: result.realImages, objects: result.realObjects)) }
            tell("image root   \(result.folder)/images")
            tell("annotations  \(result.folder)/annotations.json")
        }
    }

    private static func line(_ set: String, images: Int, objects: Int) -> String {
        "\(Format.count(images)) images, \(Format.count(objects)) objects of the \(set)"
    }
}

struct ExportWebDatasetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webdataset", abstract: "The finished shards' archives, numbered without gaps, and an index.",
        discussion: """
            Writes DIR/<job>-000000.tar ... and DIR/index.json, and prints the URL that webdataset.WebDataset takes. Every \
            archive is checked against its recorded SHA-256.
            """)

    @OptionGroup var export: ExportOptions

    @Flag(help: "Hard links instead of copies; --store has to be a folder, and DIR to lie on its file system.")
    var link = false

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            let (source, catalogue, store) = try await export.open()
            let rows = try await catalogue.shards(CatalogueFilter(job: export.job))
            let counts = Dictionary(rows.map { ($0.shard, $0.samples) }) { first, _ in first }
            let samples = source.shards.map { (counts[$0.number] ?? nil) ?? $0.done }
            let result = try await exporting {
                try await WebDatasetExport(
                    source, keeping: try export.filter(of: source), catalogue: catalogue, store: store
                ).write(to: export.out, samples: samples, links: link) {
                    export.showProgress($0, of: source.shards.count)
                }
            }
            export.tellLeftOut(result.leftOut)
            let (images, shards) = (Format.count(result.samples), Format.count(result.shards))
            remark("\(images) images in \(shards) shards of the job '\(export.job)'")
            tell(result.url)
        }
    }
}

/// Gives the exports' errors their exit codes.
func exporting<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
) async throws -> Result {
    do {
        return try await body()
    } catch let error as ExportError {
        let status: ExitStatus =
            switch error.code {
            case .refused: .refused
            case .destination, .unreadable: .cannotWrite
            case .damaged: .failed
            }
        throw CommandError(status, error.description)
    }
}
