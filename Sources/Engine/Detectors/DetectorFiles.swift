// Which detector, from which files: how it is read, and what identifies it.

public import Digests
import Foundation
public import Tensors
import Weights

/// The detectors that are known by name.
public enum DetectorKind: String, Sendable, CaseIterable, Codable {
    case yolov4
    case fasterRCNN = "faster-rcnn"
    case fcos
    case atss
}

/// A detector's files and the numbers that somebody chose for it.
public struct DetectorFiles: Sendable, Hashable {
    /// Which network.
    public var kind: DetectorKind
    /// Its weights.
    public var weights: String
    /// Darknet's .cfg file, for ``DetectorKind/yolov4``.
    public var configuration: String?
    /// A file of its classes' names; it changes what labels mean, and with that the identity.
    public var names: String?
    /// Boxes that are less sure are left out; `nil` for the detector's own threshold.
    public var threshold: Double?
    /// What is added to the variances of batch normalization; `nil` for 1e-5.
    public var epsilon: Double?

    /// Names a detector by its weights.
    public init(kind: DetectorKind, weights: String) {
        self.kind = kind
        self.weights = weights
    }

    /// Reads the network: seconds, on the calling thread.
    public func detector(on device: any Device) throws(DetectorError) -> any Detector {
        try network(on: device)
    }

    /// Reads the network, and hashes what it was read from.
    ///
    /// - Throws: ``DetectorError`` where a file cannot be used, or changed meanwhile.
    public func identified(on device: any Device) throws(DetectorError) -> IdentifiedDetector {
        let watch = try DetectorWatch(paths)
        let detector = try network(on: device)
        guard watch.isUnchanged else {
            throw DetectorError(
                .file,
                "\(weights): expected files that nobody writes, found that they changed while they were read; try again"
            )
        }
        let parts = zip(["weights", "configuration", "names"], [weights, configuration, names])
            .compactMap { name, path in path.flatMap { watch.digests[$0] }.map { "\(name) \($0.hex)" } }
        let own = kind == .yolov4 ? [] : ["epsilon \(usedEpsilon)"]
        let lines = ["detdiffusion.detector.v1", "detector \(kind.rawValue)"] + parts + own + detector.settings
        return IdentifiedDetector(
            detector: detector, digest: SHA256.digest(of: lines.map { "\($0)\n" }.joined()), watch: watch)
    }

    private var usedEpsilon: Double { epsilon ?? 1e-5 }

    private var paths: [String] { [weights, configuration, names].compactMap { $0 } }

    private func network(on device: any Device) throws(DetectorError) -> any ConfiguredDetector {
        let epsilon = usedEpsilon
        var detector: any ConfiguredDetector
        switch kind {
        case .yolov4:
            detector = try YOLODetector(configuration: configuration ?? "", weights: weights, device: device)
        case .fasterRCNN: detector = try FasterRCNNDetector(weights: weights, epsilon: epsilon, device: device)
        case .fcos: detector = try DenseDetector(fcos: weights, epsilon: epsilon, device: device)
        case .atss: detector = try DenseDetector(atss: weights, epsilon: epsilon, device: device)
        }
        if let threshold { detector.threshold = threshold }
        return detector
    }
}

/// A detector that was read, with its identity.
public struct IdentifiedDetector: Sendable {
    /// The network.
    public let detector: any Detector
    /// SHA-256 of a listing of what changes its boxes: the hashes of its files, and every threshold and size.
    public let digest: SHA256Digest
    /// Whether its files are still those that were read.
    public var watch: DetectorWatch
}

/// The files of a detector that is in use. Some are read by way of memory while it computes, so that a write to one of them
/// changes what it finds.
public struct DetectorWatch: Sendable {
    private var identities: [String: FileIdentity] = [:]
    /// The hash of each file when it was read.
    let digests: [String: SHA256Digest]

    init(_ paths: [String]) throws(DetectorError) {
        var digests: [String: SHA256Digest] = [:]
        for path in paths {
            identities[path] = FileIdentity(path: path)
            digests[path] = try Self.digest(of: path)
        }
        self.digests = digests
    }

    /// Whether nobody has written to a file, or replaced it. One system call a file.
    public var isUnchanged: Bool { identities.allSatisfy { FileIdentity(path: $0.key) == $0.value } }

    /// Finds out what has happened to files that are not what they were: those that were only touched go on being used.
    ///
    /// - Throws: ``DetectorError`` for one that holds other bytes now, or is gone.
    public mutating func settle() throws(DetectorError) {
        for (path, before) in identities {
            let now = FileIdentity(path: path)
            guard now != before else { continue }
            guard now != nil, try Self.digest(of: path) == digests[path] else {
                throw DetectorError(
                    .content,
                    "\(path): expected the file that the detector was read from, found another: it was changed while it was "
                        + "used; start again, and replace such files by renaming others over them")
            }
            identities[path] = now
        }
    }

    private static func digest(of path: String) throws(DetectorError) -> SHA256Digest {
        do {
            return try SHA256.digest(ofFileAt: path)
        } catch {
            throw DetectorError(.file, error.description)
        }
    }
}
