// COCO's evaluation of boxes: sorts objects and detections by category and image, has each category matched, and averages.

public import Layouts

/// COCO's evaluation of detections (Lin et al., "Microsoft COCO", and pycocotools' `cocoeval.py`, whose definition of every
/// figure is followed number for number).
///
/// One difference: pycocotools takes an object whose annotation has the id 0 for one that was never found; here it counts
/// like any other.
public enum DetectionEvaluation {
    /// IoU thresholds: 0.50, 0.55, … 0.95.
    public static let thresholds = evenly(from: 0.5, to: 0.95, count: 10)
    /// Recalls at which precision is read: 0, 0.01, … 1.
    public static let recalls = evenly(from: 0, to: 1, count: 101)

    /// `count` numbers from `first` to `last`, rounded as numpy's `linspace` rounds them.
    private static func evenly(from first: Double, to last: Double, count: Int) -> [Double] {
        let step = (last - first) / Double(count - 1)
        return (0..<count).map { $0 == count - 1 ? last : Double($0) * step + first }
    }

    /// Evaluates `detections` against `truth`.
    ///
    /// Crowds, and what overlaps only them, count neither for nor against a detector. Detections of categories that the
    /// truth does not have are left out, as in COCO. The categories are computed side by side.
    /// - Parameter images: the images to look at; all of the truth's where `nil`.
    /// - Throws: ``EvaluationError`` where a detection, or one of `images`, is of an image that the truth does not list.
    public static func evaluate(
        _ detections: DetectionSet, truth: AnnotationSet, images: [Int]? = nil
    ) async throws(EvaluationError) -> DetectionReport {
        let known = Set(truth.images.map(\.id))
        if let stranger = detections.byImage.keys.filter({ !known.contains($0) }).min() {
            throw EvaluationError(
                "detections: expected images of the ground truth, found image \(stranger), which it does not list; "
                    + "evaluate against the annotation file that the detector was run on")
        }
        if let stranger = images?.first(where: { !known.contains($0) }) {
            throw EvaluationError(
                "image ids: expected images of the ground truth, found \(stranger), which it does not list; remove it")
        }
        let chosen = Set(images ?? Array(known))
        let categories = truth.categories.sorted { $0.id < $1.id }
        let sorted = SortedBoxes(truth: truth, detections: detections, images: chosen, categories: categories.map(\.id))
        let curves = await withTaskGroup(of: (Int, CategoryCurves).self) { group in
            for index in categories.indices {
                group.addTask {
                    (index, CategoryMatching.match(sorted.objects[index], sorted.found[index]).curves())
                }
            }
            var curves = [CategoryCurves?](repeating: nil, count: categories.count)
            for await (index, curve) in group { curves[index] = curve }
            return curves.compactMap { $0 }
        }
        return DetectionReport(
            figures: DetectionFigures(of: curves),
            categories: zip(categories, curves).map { CategoryFigures($0, $1) }, images: chosen.count,
            objects: curves.reduce(0) { $0 + $1.areas[0].objects },
            detections: chosen.reduce(0) { $0 + detections.detections(in: $1).count })
    }
}

/// Why an evaluation cannot be made, in one line.
public struct EvaluationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was expected and found.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// Objects and detections by category, each category's in the order of their images.
private struct SortedBoxes: Sendable {
    var objects: [[MatchingObject]]
    var found: [[MatchingDetection]]

    init(truth: AnnotationSet, detections: DetectionSet, images: Set<Int>, categories: [Int]) {
        let places = Dictionary(uniqueKeysWithValues: categories.enumerated().map { ($1, $0) })
        objects = Array(repeating: [], count: categories.count)
        found = Array(repeating: [], count: categories.count)
        for annotation in truth.annotations where images.contains(annotation.imageID) {
            guard let place = places[annotation.categoryID] else { continue }
            objects[place].append(
                MatchingObject(
                    image: annotation.imageID, order: objects[place].count, box: annotation.box, area: annotation.area,
                    isCrowd: annotation.isCrowd))
        }
        for (image, boxes) in detections.byImage where images.contains(image) {
            for (order, detection) in boxes.enumerated() {
                guard let place = places[detection.categoryID] else { continue }
                found[place].append(
                    MatchingDetection(image: image, order: order, box: detection.box, score: detection.score))
            }
        }
    }
}

extension DetectionFigures {
    /// Averages over categories, thresholds and recalls, as `COCOeval.summarize` does.
    init(of curves: [CategoryCurves]) {
        let thresholds = DetectionEvaluation.thresholds.indices
        func precision(_ area: Int, at threshold: Int? = nil) -> Double {
            Mean.of(curves.flatMap { $0.areas[area].precision(at: threshold) })
        }
        func recall(_ area: Int) -> Double { Mean.of(curves.flatMap { $0.areas[area].recall }) }
        AP = precision(0)
        AP50 = precision(0, at: thresholds.first)
        AP75 = precision(0, at: 5)
        (APs, APm, APl) = (precision(1), precision(2), precision(3))
        AR1 = Mean.of(curves.flatMap(\.recallOfOne))
        AR10 = Mean.of(curves.flatMap(\.recallOfTen))
        AR100 = recall(0)
        (ARs, ARm, ARl) = (recall(1), recall(2), recall(3))
    }
}

extension CategoryFigures {
    init(_ category: Layouts.Category, _ curves: CategoryCurves) {
        let all = curves.areas[0]
        self.init(
            id: category.id, name: category.name, objects: all.objects, AP: Mean.of(all.precision(at: nil)),
            AP50: Mean.of(all.precision(at: 0)), AP75: Mean.of(all.precision(at: 5)), AR100: Mean.of(all.recall),
            precision: all.objects == 0
                ? [] : DetectionEvaluation.thresholds.indices.map { all.precision(at: $0) })
    }
}

/// Averages of what is known.
enum Mean {
    /// The mean, or -1 of none.
    static func of(_ numbers: [Double]) -> Double {
        numbers.isEmpty ? -1 : numbers.reduce(0, +) / Double(numbers.count)
    }
}
