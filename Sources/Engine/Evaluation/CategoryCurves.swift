// Precision against recall, from what became of a category's detections.

/// Precision and recall of one category in one range of areas, at most 100 detections an image.
struct AreaCurves: Sendable {
    /// Objects in the range.
    var objects: Int
    /// The greatest recall at each threshold; empty without objects.
    var recall: [Double] = []
    /// Precision, a row of recalls for each threshold, in one array; empty without objects.
    private var precisions: [Double] = []

    init(objects: Int) { self.objects = objects }

    /// Precision at each recall: of one threshold, or of all.
    func precision(at threshold: Int?) -> [Double] {
        guard let threshold, objects > 0 else { return precisions }
        let count = DetectionEvaluation.recalls.count
        return Array(precisions[threshold * count..<(threshold + 1) * count])
    }

    mutating func append(_ curve: (recall: Double, precision: [Double])) {
        recall.append(curve.recall)
        precisions.append(contentsOf: curve.precision)
    }
}

/// The curves of one category.
struct CategoryCurves: Sendable {
    /// All, small, medium and large objects.
    var areas: [AreaCurves]
    /// The greatest recall at each threshold with one detection an image, of objects of all areas.
    var recallOfOne: [Double] = []
    /// The same with ten.
    var recallOfTen: [Double] = []
}

extension CategoryMatching {
    /// The curves of what was matched, as `COCOeval.accumulate` draws them.
    func curves() -> CategoryCurves {
        // The surest first, over all images; equal scores keep the images' order.
        let order = scores.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
        var curves = CategoryCurves(areas: objects.map(AreaCurves.init(objects:)))
        for threshold in DetectionEvaluation.thresholds.indices {
            for area in objects.indices where objects[area] > 0 {
                curves.areas[area].append(curve(order, area: area, threshold: threshold))
            }
            guard objects[0] > 0 else { continue }
            curves.recallOfOne.append(recall(order, threshold: threshold, most: 1))
            curves.recallOfTen.append(recall(order, threshold: threshold, most: 10))
        }
        return curves
    }

    /// The share of all objects that at most `most` detections an image find.
    private func recall(_ order: [Int], threshold: Int, most: Int) -> Double {
        let bit: UInt16 = 1 << UInt16(threshold)
        let hits = order.count { ranks[$0] < most && matched[0][$0] & bit != 0 && ignored[0][$0] & bit == 0 }
        return Double(hits) / Double(objects[0])
    }

    private func curve(_ order: [Int], area: Int, threshold: Int) -> (recall: Double, precision: [Double]) {
        let bit: UInt16 = 1 << UInt16(threshold)
        let (matched, ignored) = (matched[area], ignored[area])
        let count = Double(objects[area])
        var (hits, misses) = (0.0, 0.0)
        var recalls: [Double] = [], precisions: [Double] = []
        recalls.reserveCapacity(order.count)
        precisions.reserveCapacity(order.count)
        for index in order {
            if ignored[index] & bit == 0 {
                if matched[index] & bit != 0 { hits += 1 } else { misses += 1 }
            }
            recalls.append(hits / count)
            precisions.append(hits / (misses + hits + Double.ulpOfOne))
        }
        // Precision at a recall is the best that is reached at that recall or beyond.
        for index in precisions.indices.dropLast().reversed() where precisions[index + 1] > precisions[index] {
            precisions[index] = precisions[index + 1]
        }
        var place = 0
        let row = DetectionEvaluation.recalls.map { recall in
            while place < recalls.count, recalls[place] < recall { place += 1 }
            return place < recalls.count ? precisions[place] : 0
        }
        return (recalls.last ?? 0, row)
    }
}
