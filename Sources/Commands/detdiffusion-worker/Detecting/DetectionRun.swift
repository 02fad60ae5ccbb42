// Detecting in one picture after the other, on its own thread.

import Console
import Detectors
import Executors
import Files
import Foundation
import Layouts
import Pixels
import Tensors

/// What `detect` computes and writes.
struct DetectionRun: Sendable {
    var pictures: [PictureList.Picture]
    var detector: any Detector
    var classes: ClassList
    var out: String
    var drawings: String?

    /// The largest picture file that is read, in bytes.
    private static let fileLimit = 256 << 20

    /// Blocks on the disc and the device. The results are written whole, or not at all.
    /// - Returns: how many pictures could not be read, or computed with.
    func detect() throws -> Int {
        let progress = ProgressBar(total: pictures.count, of: "pictures")
        var lines: [String] = []
        var failures = 0
        for (index, picture) in pictures.enumerated() {
            do {
                let image = try Image(decoding: try Self.bytes(of: picture.path))
                let found = try detector.detect([image])[0]
                lines += found.compactMap { line($0, of: picture) }
                if let drawings { try draw(found, on: image, to: "\(drawings)/\(picture.stem).png") }
            } catch let error as PixelError {
                failures += 1
                progress.remark("\(picture.path): \(error)")
            } catch let error as FileFailure {
                failures += 1
                progress.remark(error.line)
            } catch let error as DeviceError where error.code != .lost {
                failures += 1
                progress.remark("\(picture.path): \(error)")
            }
            progress.show(index + 1)
        }
        progress.finish()
        try Self.write("[" + lines.joined(separator: ",\n") + "]\n", to: out)
        let left = failures == 0 ? "" : ", \(failures) of \(pictures.count) pictures left out"
        tell("\(out)  \(Format.count(lines.count)) boxes in \(Format.count(pictures.count - failures)) pictures\(left)")
        return failures
    }

    private static func bytes(of path: String) throws -> [UInt8] {
        try RegularFile(path: path, following: true).contents(limit: fileLimit)
    }

    /// One result in COCO's format; nil for a label that stands for no category.
    private func line(_ found: FoundBox, of picture: PictureList.Picture) -> String? {
        guard let category = classes[found.label] else { return nil }
        let found = Detection(
            imageID: picture.id, categoryID: category.id, box: found.box, score: found.score
        ).rounded
        let box = [found.box.x, found.box.y, found.box.width, found.box.height].map { "\($0)" }
        return "{\"image_id\":\(picture.id),\"category_id\":\(category.id),\"bbox\":[\(box.joined(separator: ","))],"
            + "\"score\":\(found.score)}"
    }

    private func draw(_ found: [FoundBox], on image: Image, to path: String) throws {
        var image = image
        let count = max(detector.classes, 1)
        image.drawLabelledBoxes(
            found.compactMap { found in
                classes[found.label].map { category in
                    LabelledBox(
                        rectangle: Rectangle(
                            roundingX: found.box.x, y: found.box.y, width: found.box.width, height: found.box.height),
                        label: "\(BitmapFont.spelled(category.name)) \(Int((found.score * 100).rounded()))%",
                        color: .distinct(index: found.label, of: count))
                }
            })
        do throws(FileFailure) {
            try WholeFile.write(try Self.png(image), to: path)
        } catch {
            throw CommandError(.cannotWrite, error.line)
        }
    }

    private static func png(_ image: Image) throws(FileFailure) -> [UInt8] {
        do { return try image.png() } catch { preconditionFailure("a picture that was decoded is encoded: \(error)") }
    }

    private static func write(_ text: String, to path: String) throws {
        do throws(FileFailure) {
            try WholeFile.write(Array(text.utf8), to: path)
        } catch {
            throw CommandError(.cannotWrite, error.line)
        }
    }
}

/// The thread that detecting blocks, so that the cooperative pool stays free.
actor DetectionThread {
    private let thread = DedicatedThread(name: "detect")

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Detects; see ``DetectionRun/detect()``.
    func run(_ run: DetectionRun) throws -> Int { try run.detect() }
}
