// `example`: writes the bundled example set, or a large one for measurements.

import ArgumentParser
import Console
import Files
import Layouts

struct Example: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Writes a made-up COCO annotation file: all 80 categories, crowds, tiny boxes, 0 to 20 objects an image.")

    @Option(help: ArgumentHelp("Where to write it.", valueName: "file"))
    var out: String

    @Option(help: ArgumentHelp("Also write made-up detector results for it, for strategy origin.", valueName: "file"))
    var detections: String?

    @Option(help: "The same seed gives the same bytes.")
    var seed: UInt64 = 0

    @Option(help: "Images.")
    var images = 200

    @Flag(help: "The size of COCO's train2017 file: 118,287 images, 860,001 annotations with polygons, about 450 MB.")
    var large = false

    func run() async throws {
        try await reporting("detdiffusion-producer") {
            guard (1...10_000_000).contains(images) else {
                throw CommandError(.usage, "--images: expected 1 to 10000000, found \(images)")
            }
            if large {
                guard detections == nil else {
                    throw CommandError(.usage, "--detections: the large set has none; drop one of the two options")
                }
                do {
                    return try ExampleSet.generateLarge(path: out, seed: seed)
                } catch {
                    throw CommandError(.cannotWrite, "\(error)")
                }
            }
            try write(ExampleSet.generate(seed: seed, images: images), to: out)
            if let detections { try write(ExampleSet.generateDetections(seed: seed, images: images), to: detections) }
        }
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        do throws(FileFailure) {
            try WholeFile.write(bytes, to: path)
        } catch {
            throw CommandError(.cannotWrite, error.line)
        }
    }
}
