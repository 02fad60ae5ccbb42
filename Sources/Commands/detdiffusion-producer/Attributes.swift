// `attributes`: records a job of detecting, from which each object's attribute follows.

import ArgumentParser
import Catalogue
import Console
import Detectors
import Digests
import Files
import Generation
import Layouts
import Processors
import Tasks

struct Attributes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Records a job that runs a detector on a subset's images: which objects are easy for it, which hard.",
        discussion: """
            One task for each image; workers serve it with `run --detector … --weights … --images DIR`. \
            `detdiffusion-catalogue attributes` shows what they found. Run again, it publishes only what is missing.
            """)

    @Option(help: ArgumentHelp("COCO annotation file (things).", valueName: "file"))
    var annotations: String

    @Option(help: ArgumentHelp("COCO stuff annotation file, for the fidelity subset.", valueName: "file"))
    var stuff: String?

    @Option(help: "Which rules choose images and objects: trainability, fidelity or all.")
    var subset: SubsetProtocol = .trainability

    @Option(help: ArgumentHelp("Keep only these images: one id per line, or a JSON array.", valueName: "file"))
    var imageIds: String?

    @Option(help: ArgumentHelp("At most this many images; a larger limit extends the job later.", valueName: "n"))
    var limit: Int?

    @Option(help: "Size of the images to be generated, as for `enqueue`: an object under a pixel there is left out.")
    var size = PixelSize(width: 800, height: 456)

    @Option(
        help: ArgumentHelp(
            "The folder of the pictures; only looked at, so that missing ones are named before anything is recorded.",
            valueName: "dir"))
    var images: String?

    @OptionGroup var network: DetectorOptions

    @Option(help: "Score threshold of eq. 2.")
    var gamma = 0.3

    @Option(help: "IoU threshold of eq. 2.")
    var beta = 0.5

    @Flag(help: "A detection must have the object's category.")
    var sameClass = false

    @Option(help: "Tasks per shard, at most 10,000.")
    var shardSize = 500

    @OptionGroup var queueing: EnqueueOptions

    func run() async throws {
        try await reporting("detdiffusion-producer") {
            try queueing.check()
            let planned = try PlannedDetection(try request())
            let missing = try checkPictures(of: planned)
            if queueing.dryRun {
                let report = try DetectionReport(planned, missing: missing)
                if queueing.json { try JSONLines().write(report) } else { tell(report.text) }
                return
            }
            let draft = try planned.draft(
                name: queueing.name, lane: queueing.priority ?? .normal, hintSize: queueing.hintSize)
            try await queueing.enqueue(queueing.complete(draft), taskCount: planned.images.count) { planned.task($0) }
        }
    }

    private func request() throws -> DetectRequest {
        guard JobRanges.thresholds.contains(gamma), JobRanges.thresholds.contains(beta) else {
            throw CommandError(.usage, "--gamma and --beta: expected numbers from 0 to 1, found \(gamma) and \(beta)")
        }
        let files = try network.files()
        // Read as workers will read it, so that what they would refuse is said now.
        let identified = try files.identified(on: CPUDevice())
        let count = identified.detector.classes
        var request = DetectRequest(
            annotations: annotations, subset: subset, detector: files.kind.rawValue, detectorDigest: identified.digest
        ) { categories in
            try ClassList(of: files.kind, count: count, names: files.names, categories: categories).all
                .map { known in known.map { DetectSpecification.Class(id: $0.id, name: $0.name) } }
        }
        request.stuff = stuff
        request.imageIDs = imageIds
        request.limit = limit
        request.width = size.width
        request.height = size.height
        request.rule = AttributeRule(gamma: gamma, beta: beta, sameClass: sameClass)
        request.shardSize = shardSize
        return request
    }

    /// - Returns: how many pictures are not there; `nil` where nobody said where they are.
    private func checkPictures(of planned: PlannedDetection) throws -> Int? {
        guard let images else { return nil }
        let folder: PictureFolder
        do throws(FileFailure) {
            folder = try PictureFolder(path: images)
        } catch {
            throw CommandError(.noInput, "--images: \(error.line)")
        }
        let missing = planned.images.map(\.layout.fileName).filter { !folder.has($0) }
        guard let first = missing.first else { return 0 }
        guard missing.count < planned.images.count else {
            throw CommandError(
                .noInput,
                "--images: expected the pictures of \(annotations) in \(images), found none of \(missing.count) (\(first) first)"
            )
        }
        remark(
            "detdiffusion-producer: warning: \(missing.count) of \(planned.images.count) pictures are not in \(images) "
                + "(\(first) first); their tasks will fail")
        return missing.count
    }
}

/// What `attributes --dry-run` shows.
private struct DetectionReport: Encodable {
    var images: Int
    var objects: Int
    var shards: Int
    var missingPictures: Int?
    var detector: String
    var capability: String
    var specification: String
    var statistics: PlanStatistics

    init(_ planned: PlannedDetection, missing: Int?) throws {
        images = planned.images.count
        objects = planned.objectCount
        shards = planned.shardCount
        missingPictures = missing
        detector = planned.specification.detectorDigest.hex
        capability = planned.specification.capability.rawValue
        specification = try planned.specification.canonicalJSON()
        statistics = planned.statistics
    }

    var text: String {
        """
        subset      \(Format.count(statistics.images)) images, \(Format.count(statistics.objects)) objects
        job         \(Format.count(images)) images, \(Format.count(objects)) objects, \(Format.count(images)) tasks in \
        \(Format.count(shards)) shards
        detector    \(detector)
        capability  \(capability)
        provision   --detector \(capability)
        """
    }
}
