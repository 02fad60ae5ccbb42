// The detector behind a gate.

public import Digests
public import Layouts
public import Pixels

/// What looks at generated images for a gate.
public protocol ImageJudge: Sendable {
    /// SHA-256 over everything that changes what it finds; jobs name it.
    var digest: SHA256Digest { get }

    /// Finds objects in each image by itself.
    ///
    /// - Parameter classes: the category of each of its labels; what has none is left out.
    /// - Returns: for each image its detections in pixels of that image, with image id 0.
    /// - Throws: ``Tasks/WorkerUnfit`` when it cannot go on, ``Tasks/WorkPaused`` when it can later, ``GenerationFailure``
    ///   where another worker may do better.
    func detections(in images: [Image], classes: [Int?]) async throws -> [[Detection]]
}
