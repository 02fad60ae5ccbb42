// What `map` shows: for people, and for programs.

import Console
import Evaluation
import Foundation

extension DetectionReport {
    /// Two tables: the figures, and the categories.
    var text: String {
        var lines = [
            "\(Format.count(images)) images, \(Format.count(objects)) objects, \(Format.count(detections)) detections",
            "",
        ]
        var table = Table("figure", "value", "what")
        for (figure, meaning) in zip(figures.list, Self.meanings) {
            table.append(figure.name, Self.number(figure.value), meaning)
        }
        lines += [table.text, ""]
        var list = Table("category", "objects", "AP", "AP50", "AP75", "AR100")
        for category in categories where category.objects > 0 {
            list.append(
                category.name, Format.count(category.objects), Self.number(category.AP), Self.number(category.AP50),
                Self.number(category.AP75), Self.number(category.AR100))
        }
        lines.append(list.text)
        return lines.joined(separator: "\n")
    }

    /// Three decimals, as pycocotools prints them.
    private static func number(_ value: Double) -> String { String(format: "%.3f", value) }

    private static let meanings = [
        "precision, mean over IoU 0.50 to 0.95", "precision at IoU 0.50", "precision at IoU 0.75",
        "AP of objects up to 32² pixels", "AP of objects of 32² to 96² pixels", "AP of objects from 96² pixels",
        "recall with 1 detection an image and category", "recall with 10", "recall with 100", "AR100 of small objects",
        "AR100 of medium objects", "AR100 of large objects",
    ]
}

/// The report as one JSON object.
struct MapRecord: Encodable {
    private struct Category: Encodable {
        var id: Int
        var name: String
        var objects: Int
        var AP: Double
        var AP50: Double
        var AP75: Double
        var AR100: Double
        var precision: [[Double]]?
    }

    private struct Rest: Encodable {
        var images: Int
        var objects: Int
        var detections: Int
        var categories: [Category]
        /// What the rows and columns of a category's precision stand for.
        var thresholds: [Double]?
        var recalls: [Double]?
    }

    private let figures: DetectionFigures
    private let rest: Rest

    init(_ report: DetectionReport, withCurves: Bool) {
        figures = report.figures
        rest = Rest(
            images: report.images, objects: report.objects, detections: report.detections,
            categories: report.categories.map {
                Category(
                    id: $0.id, name: $0.name, objects: $0.objects, AP: $0.AP, AP50: $0.AP50, AP75: $0.AP75,
                    AR100: $0.AR100, precision: withCurves ? $0.precision : nil)
            },
            thresholds: withCurves ? DetectionEvaluation.thresholds : nil,
            recalls: withCurves ? DetectionEvaluation.recalls : nil)
    }

    func encode(to encoder: any Encoder) throws {
        try figures.encode(to: encoder)
        try rest.encode(to: encoder)
    }
}
