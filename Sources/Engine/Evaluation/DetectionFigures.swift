// What COCO's evaluation says of a detector: twelve figures, and precision against recall for each category.

/// COCO's figures for boxes, as pycocotools' `COCOeval` gives them with its default parameters.
///
/// A figure is -1 where there is no object that it could be about, as in COCO.
public struct DetectionFigures: Sendable, Hashable, Encodable {
    /// Average precision, the mean over IoU thresholds 0.50, 0.55, … 0.95.
    public var AP = -1.0
    /// Average precision at IoU 0.50.
    public var AP50 = -1.0
    /// Average precision at IoU 0.75.
    public var AP75 = -1.0
    /// ``AP`` of small objects: at most 32² square pixels.
    public var APs = -1.0
    /// ``AP`` of medium objects: 32² to 96² square pixels.
    public var APm = -1.0
    /// ``AP`` of large objects: at least 96² square pixels.
    public var APl = -1.0
    /// Average recall with one detection an image and category.
    public var AR1 = -1.0
    /// Average recall with ten.
    public var AR10 = -1.0
    /// Average recall with a hundred.
    public var AR100 = -1.0
    /// ``AR100`` of small objects.
    public var ARs = -1.0
    /// ``AR100`` of medium objects.
    public var ARm = -1.0
    /// ``AR100`` of large objects.
    public var ARl = -1.0
}

extension DetectionFigures {
    /// The figures in COCO's order, each under its name.
    public var list: [(name: String, value: Double)] {
        [
            ("AP", AP), ("AP50", AP50), ("AP75", AP75), ("APs", APs), ("APm", APm), ("APl", APl), ("AR1", AR1),
            ("AR10", AR10), ("AR100", AR100), ("ARs", ARs), ("ARm", ARm), ("ARl", ARl),
        ]
    }
}

/// What the evaluation says of one category, over objects of all areas and at most 100 detections an image.
public struct CategoryFigures: Sendable, Hashable {
    /// The category's id.
    public var id: Int
    /// Its name.
    public var name: String
    /// Objects that count: no crowds.
    public var objects: Int
    /// Mean of the precision over thresholds and recalls; -1 without objects.
    public var AP: Double
    /// The same at IoU 0.50.
    public var AP50: Double
    /// The same at IoU 0.75.
    public var AP75: Double
    /// Mean over the thresholds of the greatest recall.
    public var AR100: Double
    /// Precision at each of ``DetectionEvaluation/recalls``, a row for each of ``DetectionEvaluation/thresholds``; empty
    /// without objects.
    public var precision: [[Double]]
}

/// The whole report of an evaluation.
public struct DetectionReport: Sendable {
    /// The twelve figures.
    public var figures: DetectionFigures
    /// The categories of the ground truth, by their ids.
    public var categories: [CategoryFigures]
    /// Images that were looked at.
    public var images: Int
    /// Objects that count: no crowds.
    public var objects: Int
    /// Detections in these images.
    public var detections: Int
}
