// The readers of detectors' weights. What they accept computes on a device without numbers, which holds all shapes against
// one another.

import Detectors
import Layouts
import Pixels
import TestDevices

extension Targets {
    /// A .cfg file and, after a zero byte, its .weights file.
    static let darknetWeights = FuzzTarget(name: "darknet-weights") { bytes in
        darknetFiles.write(bytes, to: ["net.cfg", "net.weights"])
        let (cfg, weights) = (darknetFiles.path + "/net.cfg", darknetFiles.path + "/net.weights")
        let configuration = try DarknetConfiguration(path: cfg)
        let detector = try YOLODetector(configuration: cfg, weights: weights, device: RecordingDevice())
        expect(detector.classes == configuration.classes, "a network has its configuration's classes")
        // Larger ones are right, and slow.
        guard configuration.numbersAtOnce <= 1 << 20 else { return }
        expect(try detector.detect([picture])[0].isEmpty, "nothing is found where all numbers are 0")
    }

    private static let darknetFiles = MemoryFolder("darknet")
    private static let picture = Image(width: 40, height: 32, fill: Color(red: 90, green: 160, blue: 20))

    static let detectorSafetensors = FuzzTarget(name: "detector-safetensors", body: stateDict)
    static let detectorTorch = FuzzTarget(name: "detector-torch", body: stateDict)

    /// A state dict as each of the networks; one that takes it is enough.
    @Sendable private static func stateDict(_ bytes: [UInt8]) throws {
        file.write(bytes)
        let readers: [@Sendable () throws -> any Detector] = [
            {
                var detector = try FasterRCNNDetector(weights: file.path, device: RecordingDevice())
                (detector.shorterSide, detector.longerSide) = (32, 40)
                return detector
            },
            {
                var detector = try DenseDetector(fcos: file.path, device: RecordingDevice())
                (detector.shorterSide, detector.longerSide) = (32, 40)
                return detector
            },
            {
                var detector = try DenseDetector(atss: file.path, device: RecordingDevice())
                (detector.shorterSide, detector.longerSide) = (32, 40)
                return detector
            },
        ]
        var refusals: [any Error] = []
        for read in readers {
            do {
                for object in try read().detect([picture])[0] {
                    expect(object.box.maxX <= 40 && object.box.maxY <= 32, "objects lie in the picture")
                }
                return
            } catch {
                FuzzTarget.check(refusal: "\(error)")
                refusals.append(error)
            }
        }
        throw refusals[0]
    }
}
