// The detectors of one worker: those of the flags, else those of the profile.

import Console
import Detectors
import ErrorLines
import Files
import Handlers
import Tasks
import Tensors

/// The detectors of one worker, read.
struct ServedDetectors {
    /// Those that serve jobs of detecting: a folder of pictures is named.
    var handlers: [DetectHandler] = []
    /// All of them: each judges the images of the worker's generators for jobs with a gate.
    var judges: [DetectorJudge] = []

    /// Reads the networks.
    init(_ served: [ServedDetector], batch: Int, on shared: SharedDevice) throws {
        for served in served {
            let device = try shared.forDetectors()
            let detector = try served.files.identified(on: device)
            judges.append(DetectorJudge(detector))
            guard let folder = try served.folder() else { continue }
            handlers.append(
                DetectHandler(served.files.kind, detector, on: device, pictures: folder, maximumBatch: batch))
        }
        guard Set(judges.map(\.digest)).count == judges.count else {
            throw CommandError(.usage, "profile: detectors: expected each detector once, found one of them twice")
        }
    }
}

/// A detector, with the folder of its pictures where it serves jobs of detecting.
struct ServedDetector {
    var files: DetectorFiles
    var images: String?

    /// The detectors that flags or the profile name.
    static func named(_ command: Run, _ profile: WorkerProfile?) throws -> [ServedDetector] {
        if let files = try command.detector.filesIfGiven() {
            return [ServedDetector(files: files, images: command.images)]
        }
        guard command.images == nil else {
            throw CommandError(.usage, "--images: expected --detector NAME beside it, found none")
        }
        // Flags that choose generators leave the profile's detectors out.
        guard command.generators.isEmpty, command.program.program == nil else { return [] }
        return try (profile?.detectors ?? []).map { detector in
            guard let kind = DetectorKind(rawValue: detector.detector) else {
                let known = DetectorKind.allCases.map(\.rawValue).joined(separator: ", ")
                throw CommandError(
                    .data,
                    "profile: detectors: expected one of \(known), found \(ErrorLine.quoted(detector.detector))")
            }
            let files = try DetectorFiles(
                kind, weights: detector.weights, cfg: detector.cfg, names: detector.names,
                threshold: detector.threshold,
                epsilon: detector.epsilon)
            return ServedDetector(files: files, images: detector.images)
        }
    }

    func folder() throws -> PictureFolder? {
        guard let images else { return nil }
        do throws(FileFailure) {
            return try PictureFolder(path: images)
        } catch {
            throw CommandError(.noInput, "--images: \(error.line)")
        }
    }
}
