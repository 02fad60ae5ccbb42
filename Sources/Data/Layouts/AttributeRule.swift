// Equation 2 of the paper: which objects a detector finds easy.

/// The rule by which detections make an object easy or hard (equation 2 of the paper).
public struct AttributeRule: Hashable, Sendable, Codable {
    /// gamma: detections below this score are not counted. The paper leaves it open.
    public var gamma: Double
    /// beta: a detection must overlap an object by more than this (IoU). The paper leaves it open.
    public var beta: Double
    /// Whether a detection counts only for objects of its own category; equation 2 has no such condition.
    public var sameClass: Bool

    /// Makes a rule; both thresholds are in 0...1.
    public init(gamma: Double = 0.3, beta: Double = 0.5, sameClass: Bool = false) {
        precondition((0...1).contains(gamma) && (0...1).contains(beta), "gamma and beta are in 0...1")
        self.gamma = gamma
        self.beta = beta
        self.sameClass = sameClass
    }

    /// `[easy]` when some detection of score >= gamma overlaps the object's box with IoU > beta, else `[hard]`.
    ///
    /// The box is the object's, clipped to the image, in the same pixels as the detections.
    public func attribute(of object: SelectedObject, detections: [Detection]) -> Attribute {
        attribute(ofBox: object.box, categoryID: object.category.id, detections: detections)
    }

    /// The same for a box and a category on their own.
    public func attribute(ofBox box: Box, categoryID: Int, detections: [Detection]) -> Attribute {
        let isFound = detections.contains { detection in
            detection.score >= gamma && (!sameClass || detection.categoryID == categoryID)
                && detection.box.intersectionOverUnion(box) > beta
        }
        return isFound ? .easy : .hard
    }
}
