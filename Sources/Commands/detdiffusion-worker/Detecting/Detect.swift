// `detect`: what a detector finds in pictures, without any server.

import ArgumentParser
import Console
import Detectors
import ErrorLines
import Files
import Foundation
import Layouts
import Pixels
import Tensors
import TorchDevice

struct Detect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Finds objects in pictures with a detector, and writes COCO's results format; asks no server.",
        discussion: """
            Pictures are PNG or JPEG. A file that cannot be decoded is named and left out, and the exit code is 65. The id of \
            an image is that of its file name in --annotations, else the number that the name ends with, as in \
            000000000139.jpg.
            """)

    @OptionGroup var network: DetectorOptions
    @OptionGroup var computing: DeviceOptions

    @Option(help: ArgumentHelp("A picture, or a folder of them.", valueName: "path"))
    var images: String
    @Option(help: ArgumentHelp("Where the results go, as JSON.", valueName: "file"))
    var out: String
    @Option(
        help: ArgumentHelp(
            "COCO's annotation file of these images: their ids by file name, and the categories' ids by name.",
            valueName: "file"))
    var annotations: String?
    @Option(help: ArgumentHelp("A folder for the pictures with their boxes, as PNG.", valueName: "dir"))
    var draw: String?

    func run() async throws {
        try await reporting("detdiffusion-worker") {
            let files = try network.files()
            let set = try annotations.map { try AnnotationSet.read(path: $0) }
            let pictures = try PictureList(path: images, annotations: set)
            try pictures.requireFolder(of: out)
            if let draw { try pictures.makeFolder(draw) }
            let detector = try files.detector(on: try device())
            let classes = try ClassList(
                of: files.kind, count: detector.classes, names: files.names, categories: set?.categories)
            let run = DetectionRun(
                pictures: pictures.all, detector: detector, classes: classes, out: out, drawings: draw)
            let failures = try await DetectionThread().run(run)
            if failures > 0 { throw fail(.data) }
        }
    }

    private func device() throws -> any Device {
        let request = try computing.request()
        guard request.precision == .float32 else {
            throw CommandError(
                .usage,
                "--precision: detectors compute with float32, since edges of boxes need its digits, found "
                    + "\(request.precision); drop the option")
        }
        return try request.device()
    }
}
