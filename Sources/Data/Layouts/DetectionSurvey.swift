// Whether a detector's boxes are pixels of the annotated images at all.

/// What the detections of a file look like beside the annotations that they are to judge.
public struct DetectionSurvey: Hashable, Sendable, Codable {
    /// The boxes by themselves, whatever their score.
    public var boxes = BoxSurvey()
    /// Detections of the annotated images whose score reaches gamma.
    public var counted = 0
    /// Those of them that overlap no annotated box of their image at all.
    public var apart = 0
    /// Those of them that overlap annotated boxes, but only of other categories; nil where classes do not count.
    public var ofOtherClasses: Int?

    /// Looks at the detections in the images of `set`, as `rule` counts them.
    public init(_ detections: DetectionSet, rule: AttributeRule, beside set: AnnotationSet) {
        let gamma = rule.gamma
        if rule.sameClass { ofOtherClasses = 0 }
        var annotated: [Int: [(box: Box, categoryID: Int)]] = [:]
        for annotation in set.annotations where detections.byImage[annotation.imageID] != nil {
            annotated[annotation.imageID, default: []].append((annotation.box, annotation.categoryID))
        }
        for image in set.images {
            for detection in detections.detections(in: image.id) {
                boxes.add(detection.box, inWidth: Double(image.width), height: Double(image.height))
                guard detection.score >= gamma else { continue }
                counted += 1
                let met = (annotated[image.id] ?? []).filter { $0.box.intersectionOverUnion(detection.box) > 0 }
                if met.isEmpty {
                    apart += 1
                } else if rule.sameClass, !met.contains(where: { $0.categoryID == detection.categoryID }) {
                    ofOtherClasses? += 1
                }
            }
        }
    }

    /// Why no object can be found by these detections, with what mends it; nil where some can.
    public var likelyCause: (found: String, fix: String)? {
        if let cause = boxes.likelyCause { return cause }
        if let others = ofOtherClasses, others > 0, others + apart == counted {
            return (
                "\(others) that overlap annotated boxes, none of its own category",
                "write the detections with the annotations' category ids, or leave out --same-class"
            )
        }
        guard counted > 0, apart == counted else { return nil }
        return (
            "\(counted) that overlap no annotated box of their image at all",
            "give boxes [x,y,width,height] in pixels of the original images, and the annotations of the same images"
        )
    }

    /// A remark for each oddity.
    public func remarks(gamma: Double) -> [InputRemark] {
        var remarks = boxes.remarks("detections")
        if counted == 0, boxes.boxes > 0 {
            remarks.append(
                InputRemark("no detection reaches the score \(gamma) (gamma)", concerns: boxes.boxes, of: boxes.boxes))
        }
        if apart > 0 {
            remarks.append(
                InputRemark(
                    "\(apart) of \(counted) detections with a score of at least \(gamma) overlap no annotated box",
                    concerns: apart, of: counted))
        }
        return remarks
    }
}
