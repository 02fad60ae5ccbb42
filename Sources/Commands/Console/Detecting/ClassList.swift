// What a detector's labels mean: names, and ids of categories.

public import Detectors
import ErrorLines
public import Layouts

/// The classes of a detector.
public struct ClassList: Sendable {
    /// The id in results and the name of each label; nil for one that is no class of the data set.
    public let all: [(id: Int, name: String)?]

    /// torchvision's labels are the ids of COCO's categories, 0 the background; others count COCO's 80 from 0. With names,
    /// an id is that of the category of this name in the annotation file, else of COCO's, else the line's number; torchvision's
    /// first name is that of the background, which is no category, and lines count from 0.
    ///
    /// - Parameters:
    ///   - count: labels that the network knows.
    ///   - names: a file of names, one a line.
    ///   - categories: those of an annotation file.
    public init(of kind: DetectorKind, count: Int, names path: String?, categories: [Layouts.Category]?) throws {
        if let path {
            let names = try Self.names(path)
            guard names.count == count else {
                throw CommandError(
                    .data, "\(path): expected \(count) names, one for each class of the weights, found \(names.count)")
            }
            let ids = Dictionary((categories ?? CocoCategories.things).map { ($0.name, $0.id) }) { first, _ in first }
            let countsBackground = kind == .fasterRCNN || kind == .fcos
            all = try names.enumerated().map { place, name in
                if countsBackground, place == 0 { return nil }
                if let id = ids[name] { return (id, name) }
                guard categories == nil else {
                    throw CommandError(
                        .data,
                        "\(path), line \(place + 1): expected a category of the annotation file, found "
                            + "\(ErrorLine.quoted(name)); correct the name")
                }
                return (countsBackground ? place : place + 1, name)
            }
            return
        }
        let known = categories ?? CocoCategories.things
        switch kind {
        case .fasterRCNN, .fcos:
            guard categories != nil || count == Self.cocoLabels else {
                throw CommandError(
                    .usage,
                    "--names: expected the names of the \(count) labels of these weights, the background first, or "
                        + "--annotations, whose ids the labels are, since they are not torchvision's \(Self.cocoLabels) of "
                        + "COCO; found neither")
            }
            let named = Dictionary(known.map { ($0.id, $0.name) }) { first, _ in first }
            all = (0..<count).map { label in named[label].map { (label, $0) } }
        case .yolov4, .atss:
            guard count == CocoCategories.things.count else {
                throw CommandError(
                    .usage,
                    "--names: expected the names of the \(count) classes of these weights, since they are not COCO's "
                        + "\(CocoCategories.things.count), found none")
            }
            all = CocoCategories.things.map { ($0.id, $0.name) }
        }
    }

    /// Labels of torchvision's detectors for COCO: its ids up to 90, and the background.
    private static let cocoLabels = 91

    /// What a label means; nil for one that stands for no category.
    public subscript(label: Int) -> (id: Int, name: String)? { all.indices.contains(label) ? all[label] : nil }

    private static func names(_ path: String) throws -> [String] {
        let bytes = try TextFile(path: path, subject: "names of classes").readAll()
        return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
            .map { $0.trimmingPrefix(while: \.isWhitespace) }
            .map { String($0.reversed().drop(while: \.isWhitespace).reversed()) }
            .filter { !$0.isEmpty }
    }
}
