// Whole detectors, from a decoded picture to its boxes.

import Detectors
import Foundation
import Pixels
import Processors
import Tensors

/// Times a detector of a folder that `ops/benchmarks/make_detectors.py` wrote, after one call that warms up.
struct DetectorTimes {
    let name: String, folder: String
    let runs: Int
    let threads: Int?

    func run() throws {
        let begin = ContinuousClock.now
        let detector = try detector(on: CPUDevice(threads: threads))
        let opened = begin.seconds
        let picture = try picture()
        var boxes = try detector.detect([picture])[0].count
        let times = try (0..<runs).map { _ in
            let start = ContinuousClock.now
            boxes = try detector.detect([picture])[0].count
            return start.seconds
        }.sorted()
        print(
            "{\"seconds\":\(times[runs / 2]),\"all\":\(times),\"open\":\(opened),\"boxes\":\(boxes),"
                + "\"peakMegabytes\":\(peakMegabytes())}")
    }

    /// Where the time goes, by kind of operation; the rest is the host's: pictures, boxes.
    func trace(showsShapes: Bool) throws {
        let device = TracingDevice(CPUDevice(threads: threads), showsShapes: showsShapes)
        let detector = try detector(on: device)
        let picture = try picture()
        _ = try detector.detect([picture])
        device.reset()
        let start = ContinuousClock.now
        for _ in 0..<runs { _ = try detector.detect([picture]) }
        device.report(total: start.seconds, runs: runs)
    }

    private func picture() throws -> Image {
        try Image(decoding: Array(Data(contentsOf: URL(fileURLWithPath: folder + "/picture.png"))))
    }

    /// Networks of the picture's size, 800 x 456.
    private func detector(on device: any Device) throws -> any Detector {
        switch name {
        case "yolov4":
            return try YOLODetector(
                configuration: folder + "/yolov4.cfg", weights: folder + "/yolov4.weights", device: device)
        case "faster-rcnn":
            var detector = try FasterRCNNDetector(weights: folder + "/faster-rcnn.pth", device: device)
            (detector.shorterSide, detector.longerSide) = (456, 800)
            return detector
        case "fcos":
            var detector = try DenseDetector(fcos: folder + "/fcos.pth", device: device)
            (detector.shorterSide, detector.longerSide) = (456, 800)
            return detector
        default: EngineBench.usage()
        }
    }
}

extension ContinuousClock.Instant {
    /// Since then.
    var seconds: Double { (ContinuousClock.now - self) / .seconds(1) }
}

/// The most memory that was resident, shared pages of mapped weights included.
func peakMegabytes() -> Int {
    let status = FileManager.default.contents(atPath: "/proc/self/status") ?? Data()
    let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line.flatMap { Int($0.filter(\.isNumber)) }.map { $0 / 1024 } ?? 0
}
