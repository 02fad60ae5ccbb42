// What all detectors are to those who call them.

public import Pixels

/// A network that finds objects in pictures.
public protocol Detector: Sendable {
    /// How many classes it knows; labels are below.
    var classes: Int { get }

    /// Finds objects, the surest first, in each image by itself.
    ///
    /// - Returns: for each image its objects, with boxes in pixels of that image, inside it.
    /// - Throws: what the device throws where it cannot compute.
    func detect(_ images: [Image]) throws -> [[FoundBox]]
}
