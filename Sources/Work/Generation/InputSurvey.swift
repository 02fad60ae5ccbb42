// Whether a request's boxes are pixels of the right images: what is odd is said, what cannot be meant is refused.

import Layouts

/// What the boxes of a request's files look like.
struct InputSurvey {
    let annotatedBoxes: BoxSurvey
    let detections: DetectionSurvey?
    /// What is odd.
    let remarks: [InputRemark]

    /// Looks at all boxes; throws when none can be meant as it is written.
    init(_ inputs: JobInputs, _ request: JobRequest) throws(LayoutError) {
        let annotated = inputs.things.boxes
        if let cause = annotated.likelyCause {
            throw LayoutError(
                .content,
                "cannot plan a job from \(request.annotations): expected boxes [x,y,width,height] in pixels of their images, "
                    + "found \(cause.found); \(cause.fix)")
        }
        var lines = annotated.remarks("annotated boxes")
        let gamma = request.rule.gamma
        detections = inputs.attributes.map { source in
            DetectionSurvey(source.detections, rule: request.rule, beside: inputs.things)
        }
        if let detections {
            if let cause = detections.likelyCause {
                throw LayoutError(
                    .content,
                    "cannot use the detections of \(request.detections ?? ""): expected boxes [x,y,width,height] in pixels of "
                        + "the annotated images, found \(cause.found); \(cause.fix)")
            }
            lines += detections.remarks(gamma: gamma)
        }
        annotatedBoxes = annotated
        remarks = lines
    }
}
