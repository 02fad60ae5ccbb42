// `map`: COCO's figures of a detector's results.

import ArgumentParser
import Console
import Evaluation
import Layouts

struct Map: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows COCO's twelve figures of a detector's results, and the precision of each category.",
        discussion: """
            The figures are those of pycocotools: AP (the mean over IoU thresholds 0.50 to 0.95), AP50, AP75, AP of small, \
            medium and large objects, and average recall with 1, 10 and 100 detections an image. A figure is -1 where \
            there is no object that it could be about.
            """)

    @Option(help: ArgumentHelp("COCO's annotation file with the true boxes.", valueName: "file"))
    var groundTruth: String
    @Option(help: ArgumentHelp("The detector's boxes, in COCO's results format.", valueName: "file"))
    var detections: String
    @Option(
        help: ArgumentHelp(
            "Only these images: one id a line, or a JSON array. Default: all of the annotation file.", valueName: "file"
        ))
    var imageIds: String?
    @Flag(help: "One JSON object: the figures under COCO's names, and a list of categories.")
    var json = false
    @Flag(help: "With --json: precision at 101 recalls and 10 thresholds, too, for each category.")
    var curves = false

    func validate() throws {
        guard json || !curves else {
            throw ValidationError("--curves: expected together with --json, which it adds to; add --json, or drop it")
        }
    }

    func run() async throws {
        try await reporting("detdiffusion-evaluate") {
            let (truthPath, detectionsPath) = (groundTruth, detections)
            // Each file is parsed on one core; the larger one takes the time of both.
            async let truth = AnnotationSet.read(path: truthPath)
            async let found = DetectionSet.read(path: detectionsPath)
            let images = try imageIds.map { try ImageIDList.read(path: $0) }
            let report = try await judged(try await found, truth: try await truth, images: images)
            if json { try JSONLines().write(MapRecord(report, withCurves: curves)) } else { tell(report.text) }
        }
    }

    private func judged(
        _ found: DetectionSet, truth: AnnotationSet, images: [Int]?
    ) async throws -> DetectionReport {
        do {
            return try await DetectionEvaluation.evaluate(found, truth: truth, images: images)
        } catch {
            throw CommandError(
                .data, "cannot evaluate \(detections) against \(groundTruth): \(error)")
        }
    }
}
