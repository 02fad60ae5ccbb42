// Whether a detector's boxes are pixels of the annotated images at all.

/// What the detections of a file look like beside the annotations that they are to judge.
public struct DetectionSurvey: Hashable, Sendable, Codable {
    /// The boxes by themselves, whatever their score.
    public var boxes = BoxSurvey()
    /// Detections of the annotated images whose score reaches gamma.
    public var counted = 0
    /// Those of them that overlap no annotated box of their image at all.
    public var apart = 0

    /// Looks at the detections in the images of `set`.
    public init(_ detections: DetectionSet, gamma: Double, beside set: AnnotationSet) {
        var annotated: [Int: [Box]] = [:]
        for annotation in set.annotations where detections.byImage[annotation.imageID] != nil {
            annotated[annotation.imageID, default: []].append(annotation.box)
        }
        for image in set.images {
            for detection in detections.detections(in: image.id) {
                boxes.add(detection.box, inWidth: Double(image.width), height: Double(image.height))
                guard detection.score >= gamma else { continue }
                counted += 1
                let others = annotated[image.id] ?? []
                if !others.contains(where: { $0.intersectionOverUnion(detection.box) > 0 }) { apart += 1 }
            }
        }
    }

    /// Why no object can be found by these detections, with what mends it; nil where some can.
    public var likelyCause: (found: String, fix: String)? {
        if let cause = boxes.likelyCause { return cause }
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
