// What detectors find.

public import Layouts

/// One object that a detector found.
public struct FoundBox: Sendable, Hashable {
    /// Pixels of the image that the detector was given.
    public var box: Box
    /// The class, an index into the detector's list of classes.
    public var label: Int
    /// How sure it is, 0...1.
    public var score: Double

    /// Names an object.
    public init(box: Box, label: Int, score: Double) {
        self.box = box
        self.label = label
        self.score = score
    }
}
