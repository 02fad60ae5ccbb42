// Kind `detect`: what a detector finds in a picture, and which of its objects are easy for it.

public import Detectors
import Digests
import Executors
import Files
import Foundation
public import Layouts
import Pixels
import Synchronization
public import Tasks
public import Tensors

/// Runs a detector on the pictures of a folder; each task's result is a ``Tasks/DetectedImage``.
public struct DetectHandler: TaskHandler {
    private let run: DetectorRun
    private let specifications = DetectSpecificationMemory()
    /// What it serves.
    public let description: HandlerDescription

    /// Raised when the numbers of a detector change.
    private static let engineVersion = 1

    /// - Parameters:
    ///   - kind: which detector; jobs name it.
    ///   - device: what it computes on.
    ///   - pictures: where the images lie.
    ///   - maximumBatch: the most tasks of one claim; pictures are computed one by one.
    public init(
        _ kind: DetectorKind, _ detector: IdentifiedDetector, on device: any Device, pictures: PictureFolder,
        maximumBatch: Int
    ) {
        run = DetectorRun(detector, pictures: pictures)
        description = HandlerDescription(
            kind: .detect, capability: Capability(generator: kind.rawValue, checkpointDigest: detector.digest.hex),
            maximumBatch: maximumBatch, deviceClass: "detect-\(Self.engineVersion)-\(device.facts.name)",
            isReproducible: device.facts.isReproducible)
    }

    /// The network was read when it was identified.
    public func prepare() async throws {}

    /// The image with its objects, as its producer wrote it.
    public func decode(_ payload: [UInt8]) throws -> PendingLayout { try PendingLayout(decoding: payload) }

    /// Detects; there is nothing to store but the results themselves.
    public func compute(_ batch: DecodedBatch<PendingLayout>) async throws -> StoreResults {
        let specification = try specifications.specification(of: batch.job)
        let results = try await run.detect(batch.items, specification)
        return { results }
    }
}

/// The specification of the job that was served last.
private final class DetectSpecificationMemory: Sendable {
    private let last = Mutex<(digest: SHA256Digest, specification: DetectSpecification)?>(nil)

    func specification(of job: TaskBatch.Job) throws -> DetectSpecification {
        if let last = last.withLock({ $0 }), last.digest == job.digest { return last.specification }
        let specification = try DetectSpecification(json: job.specification)
        last.withLock { $0 = (job.digest, specification) }
        return specification
    }
}

/// A detector on its own thread.
private actor DetectorRun {
    private let thread = DedicatedThread(name: "detect")
    private let detector: any Detector
    private let pictures: PictureFolder
    private var watch: DetectorWatch
    private let digest: SHA256Digest

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    init(_ detector: IdentifiedDetector, pictures: PictureFolder) {
        self.detector = detector.detector
        self.pictures = pictures
        watch = detector.watch
        digest = detector.digest
    }

    /// - Throws: ``Tasks/WorkerUnfit`` when the detector's files are not those of the digest any more, or the device is gone,
    ///   and ``Tasks/WorkPaused`` when they were touched meanwhile, or the folder of pictures is away.
    func detect(
        _ items: [DecodedBatch<PendingLayout>.Item], _ specification: DetectSpecification
    ) throws -> [TaskResult] {
        guard specification.detectorDigest == digest, specification.classes.count == detector.classes else {
            let reason =
                "expected a job of detector \(digest.hex) with \(detector.classes) classes, found one of "
                + "\(specification.detectorDigest.hex) with \(specification.classes.count)"
            return items.map { TaskResult(number: $0.number, outcome: .failed(reason: reason, isPermanent: true)) }
        }
        do throws(DetectorError) { try watch.settle() } catch { throw WorkerUnfit(error) }
        let results = try items.map { item in
            try Task.checkCancellation()
            return TaskResult(number: item.number, outcome: try outcome(of: item.work, specification))
        }
        guard watch.isUnchanged else {
            do throws(DetectorError) { try watch.settle() } catch { throw WorkerUnfit(error) }
            throw WorkPaused("the detector's files were touched while a batch was computed; computing the batch again")
        }
        return results
    }

    private func outcome(of objects: PendingLayout, _ specification: DetectSpecification) throws -> TaskOutcome {
        let name = objects.layout.fileName
        do {
            let picture = try pictures.picture(named: name)
            guard picture.image.width == objects.layout.width, picture.image.height == objects.layout.height else {
                return .failed(
                    reason: "picture \(pictures.place(of: name) ?? name): expected \(objects.layout.width)x"
                        + "\(objects.layout.height) pixels, as annotated, found \(picture.image.width)x"
                        + "\(picture.image.height); give the pictures that were annotated", isPermanent: true)
            }
            let found = try detector.detect([picture.image])[0]
            let image = DetectedImage(
                objects, rule: specification.rule,
                detections: found.compactMap { detection(of: $0, objects.layout.imageID, specification) },
                detector: digest, picture: picture.digest)
            return .result(ResultRecord(image.encoded(), form: .json))
        } catch let error as PixelError {
            return .failed(reason: "picture \(pictures.place(of: name) ?? name): \(error)", isPermanent: true)
        } catch let failure as FileFailure {
            return try outcome(of: failure, named: name)
        } catch let error as DeviceError {
            if error.code == .lost { throw WorkerUnfit(error) }
            // Another worker may have more memory, or another device.
            return .failed(reason: "picture \(pictures.place(of: name) ?? name): \(error)", isPermanent: false)
        }
    }

    /// What a disc or a host suffers from, whatever the picture.
    private static let illnesses: Set<Int32> = [EIO, ESTALE, EMFILE, ENFILE, ENOMEM]

    /// A picture that is not here may be there for another worker; a folder that is away comes back.
    private func outcome(of failure: FileFailure, named name: String) throws -> TaskOutcome {
        do throws(FileFailure) {
            _ = try PictureFolder(path: pictures.path)
        } catch {
            throw WorkPaused("the folder of pictures is away: \(error.line); bring it back")
        }
        if Self.illnesses.contains(failure.number) { throw WorkPaused("a picture cannot be read: \(failure.line)") }
        return .failed(reason: failure.line, isPermanent: failure.kind == .unexpected)
    }

    private func detection(of found: FoundBox, _ image: Int, _ specification: DetectSpecification) -> Detection? {
        guard specification.classes.indices.contains(found.label), let known = specification.classes[found.label] else {
            return nil
        }
        return Detection(imageID: image, categoryID: known.id, box: found.box, score: found.score).rounded
    }
}
