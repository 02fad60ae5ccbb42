// A worker's profile: the file behind `--profile`.

import Console
import ErrorLines
import Foundation
import JSON

/// What a profile may say; every key is optional, and flags override it. Its JSON Schema is
/// `schemas/profile.schema.json`.
struct WorkerProfile: Decodable {
    /// A generator program.
    struct Program: Decodable {
        var path: String
        var arguments: [String]?
        /// Seconds for a batch.
        var timeLimit: Double?
        /// Seconds from its start to its ready line.
        var startLimit: Double?

        /// The keys above.
        static let keys: Set<String> = ["path", "arguments", "timeLimit", "startLimit"]
    }

    /// A detector and the pictures that it looks at.
    struct Detector: Decodable {
        /// `yolov4`, `faster-rcnn`, `fcos` or `atss`.
        var detector: String
        var weights: String
        var cfg: String?
        var names: String?
        var threshold: Double?
        var epsilon: Double?
        /// The folder of the pictures; without it, the detector judges generated images only.
        var images: String?

        /// The keys above.
        static let keys: Set<String> = ["detector", "weights", "cfg", "names", "threshold", "epsilon", "images"]
    }

    /// Generators to serve, by name.
    var generators: [String]?
    /// Generator programs to serve.
    var programs: [Program]?
    /// Detectors to serve.
    var detectors: [Detector]?
    /// Checkpoint folders to serve with generator `diffusion`.
    var checkpoints: [String]?
    /// What computes, as `--device` names it.
    var device: String?
    /// How a device of libtorch keeps numbers.
    var precision: String?
    /// The folder of libtorch.
    var torch: String?
    /// Threads that compute.
    var threads: Int?
    /// Gigabytes that weights and activations may take.
    var memory: Double?
    /// Whether it packs finished shards.
    var pack: Bool?
    /// The most tasks of one claim.
    var batch: Int?
    /// Seconds that a claim lasts without renewal.
    var lease: Double?
    /// Seconds after which an idle worker hints a shard again.
    var hintHorizon: Double?
    /// Seconds that a drain may take.
    var grace: Double?
    /// Seconds that a failed task waits at most before its second attempt.
    var retryDelay: Double?
    /// Seconds without work after which it leaves.
    var exitWhenIdle: Double?

    /// The keys above.
    private static let keys: Set<String> = [
        "$schema", "generators", "programs", "detectors", "checkpoints", "device", "precision", "torch", "threads",
        "memory", "pack", "batch", "lease", "hintHorizon", "grace", "retryDelay", "exitWhenIdle",
    ]

    /// Reads a profile; an unknown key is an error, since a misspelt one would be ignored in silence.
    static func read(path: String) throws -> WorkerProfile {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw CommandError(
                .noInput, "profile \(path): cannot be read (\(error.localizedDescription)); see workers/ for examples")
        }
        try checkKeys(Array(data), path: path)
        do {
            return try JSONDecoder().decode(WorkerProfile.self, from: data)
        } catch let error as DecodingError {
            throw CommandError(.data, "profile \(path): \(place(of: error)); see schemas/profile.schema.json")
        }
    }

    /// Refuses what the decoder would ignore in silence: keys that are unknown, or there twice.
    private static func checkKeys(_ bytes: [UInt8], path: String) throws(CommandError) {
        let document: JSONValue
        do {
            document = try JSONReader<JSONFault>(bytes).document()
        } catch {
            throw CommandError(.data, "profile \(path): \(words(for: error))")
        }
        guard let profile = document.object else {
            throw CommandError(
                .data, "profile \(path): expected a JSON object, found another value; see schemas/profile.schema.json")
        }
        try check(profile, keys: keys, place: path)
        for program in profile["programs"]?.list ?? [] {
            try check(program.object ?? [:], keys: Program.keys, place: "\(path): programs")
        }
        for detector in profile["detectors"]?.list ?? [] {
            try check(detector.object ?? [:], keys: Detector.keys, place: "\(path): detectors")
        }
    }

    private static func words(for fault: JSONFault) -> String {
        guard let key = fault.repeatedKey else {
            return "expected a JSON object (\(fault.reason)); see schemas/profile.schema.json"
        }
        return "key \(ErrorLine.quoted(key)) is there twice; expected every key once, leave one out"
    }

    private static func check(
        _ object: [String: JSONValue], keys: Set<String>, place: String
    ) throws(CommandError) {
        guard let unknown = Set(object.keys).subtracting(keys).min() else { return }
        let known = keys.subtracting(["$schema"]).sorted().joined(separator: ", ")
        throw CommandError(
            .data, "profile \(place): unknown key \(ErrorLine.quoted(unknown)); expected \(known)")
    }

    private static func place(of error: DecodingError) -> String {
        switch error {
        case .typeMismatch(let type, let context):
            "key '\(context.codingPath.map(\.stringValue).joined(separator: "."))': expected \(type), "
                + "found another type"
        default: "expected a JSON object with the keys of a profile"
        }
    }
}
