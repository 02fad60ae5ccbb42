// Which of a map's cells may be objects.

import Foundation
import Tensors

extension DenseHead.Output {
    /// A cell that may be an object of a class.
    struct Candidate {
        var cell: Int
        var label: Int
        /// Sigmoids of the class's number and the cell's centerness.
        var sureness: Double, centerness: Double
    }

    /// How cells are chosen.
    enum Rule {
        /// The root of the product of both sigmoids is above the threshold, and the greatest of these (torchvision's FCOS).
        case geometricMean
        /// The class's sigmoid is above the threshold, and the greatest of these (mmdetection).
        case sureness
    }

    /// The `limit` best cells and classes that `rule` lets through.
    func candidates(_ rule: Rule, threshold: Double, limit: Int) throws -> [Candidate] {
        let (logits, centers) = (try classes.floats(), try centerness.floats())
        let count = classes.channels
        var found: [Candidate] = []
        var scores: [Float] = []
        let least = max(threshold, 0)
        for (cell, center) in centers.enumerated() {
            let centerness = Self.sigmoid(center)
            let bound = rule == .geometricMean ? least * least / centerness : least
            guard bound < 1 else { continue }
            // A little below what the sigmoid must be: exponentials of all numbers would take long.
            let logit = Float(log(bound / (1 - bound))) - 1e-3
            for label in 0..<count where logits[cell * count + label] > logit {
                let sureness = Self.sigmoid(logits[cell * count + label])
                let score = rule == .geometricMean ? (sureness * centerness).squareRoot() : sureness
                guard score > threshold else { continue }
                found.append(Candidate(cell: cell, label: label, sureness: sureness, centerness: centerness))
                scores.append(Float(score))
            }
        }
        return scores.placesOfGreatest(limit).map { found[$0] }
    }

    private static func sigmoid(_ x: Float) -> Double { 1 / (1 + exp(-Double(x))) }
}
