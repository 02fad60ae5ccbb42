// A gate's detector in this process.

public import Detectors
public import Digests
import Executors
public import Layouts
public import Pixels
import Tasks
import Tensors

/// Looks at images with one of the detectors of this package, on its own thread; generator and judge take turns on the device.
public actor DetectorJudge: ImageJudge {
    private let thread = DedicatedThread(name: "gate")
    private let detector: any Detector
    private var watch: DetectorWatch
    /// SHA-256 over everything that changes what it finds.
    public nonisolated let digest: SHA256Digest

    /// Runs on its own thread; the device has more.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    /// Judges with a detector that was read.
    public init(_ detector: IdentifiedDetector) {
        self.detector = detector.detector
        watch = detector.watch
        digest = detector.digest
    }

    /// Finds objects in each image by itself; stops between two images when the work is cancelled.
    public func detections(in images: [Image], classes: [Int?]) throws -> [[Detection]] {
        guard classes.count == detector.classes else {
            throw GenerationFailure(
                "gate: expected a job for the \(detector.classes) classes of this detector, found one for \(classes.count)",
                isPermanent: true)
        }
        do throws(DetectorError) { try watch.settle() } catch { throw WorkerUnfit(error) }
        let found = try images.map { image in
            try Task.checkCancellation()
            return try detections(in: image, classes: classes)
        }
        guard watch.isUnchanged else {
            do throws(DetectorError) { try watch.settle() } catch { throw WorkerUnfit(error) }
            throw WorkPaused("the detector's files were touched while a batch was judged; computing the batch again")
        }
        return found
    }

    private func detections(in image: Image, classes: [Int?]) throws -> [Detection] {
        do {
            return try detector.detect([image])[0].compactMap { found in
                guard classes.indices.contains(found.label), let category = classes[found.label] else { return nil }
                return Detection(imageID: 0, categoryID: category, box: found.box, score: found.score)
            }
        } catch let error as DeviceError {
            if error.code == .lost { throw WorkerUnfit(error) }
            // Another worker may have more memory, or another device.
            throw GenerationFailure("gate: \(error)", isPermanent: false)
        }
    }
}
