// The detectors of one worker: those of the flags, else those of the profile.

import Console
import Detectors
import ErrorLines
import Files
import Handlers
import Tasks
import Tensors

/// A detector with the folder of its pictures.
struct ServedDetector {
    var files: DetectorFiles
    var images: String

    /// The handlers of a worker's detectors; reads the networks.
    static func handlers(
        _ command: Run, _ profile: WorkerProfile?, batch: Int, on device: any Device
    ) throws -> [DetectHandler] {
        let handlers = try served(command, profile).map { try $0.handler(batch: batch, on: device) }
        let capabilities = handlers.map(\.description.capability)
        guard Set(capabilities).count == capabilities.count else {
            throw CommandError(.usage, "profile: detectors: expected each detector once, found one of them twice")
        }
        return handlers
    }

    private static func served(_ command: Run, _ profile: WorkerProfile?) throws -> [ServedDetector] {
        if let files = try command.detector.filesIfGiven() {
            guard let images = command.images else {
                throw CommandError(.usage, "--detector: expected --images DIR beside it, found none")
            }
            return [ServedDetector(files: files, images: images)]
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

    private func handler(batch: Int, on device: any Device) throws -> DetectHandler {
        let folder: PictureFolder
        do throws(FileFailure) {
            folder = try PictureFolder(path: images)
        } catch {
            throw CommandError(.noInput, "--images: \(error.line)")
        }
        return DetectHandler(
            files.kind, try files.identified(on: device), on: device, pictures: folder, maximumBatch: batch)
    }
}
