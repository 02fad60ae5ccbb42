// Which detection finds which object: the greedy matching of one category, at every threshold and in every range of areas.

import Layouts

/// An object of one category.
struct MatchingObject: Sendable {
    var image: Int
    /// Its place in the file among the category's.
    var order: Int
    var box: Box
    var area: Double
    var isCrowd: Bool
}

/// A detection of one category.
struct MatchingDetection: Sendable {
    var image: Int
    /// Its place in the file among the image's.
    var order: Int
    var box: Box
    var score: Double
}

/// The detections of one category, image by image and the surest first, and what became of them.
struct CategoryMatching: Sendable {
    /// Square pixels of all, small, medium and large objects; both ends belong to a range.
    static let areas: [ClosedRange<Double>] = [0...1e10, 0...1024, 1024...9216, 9216...1e10]
    /// Detections of an image that count.
    static let mostDetections = 100

    /// Each detection's score.
    var scores: [Double] = []
    /// Each detection's place among its image's, from 0.
    var ranks: [Int] = []
    /// For each range of areas: the thresholds at which each detection found an object, a bit each.
    var matched: [[UInt16]]
    /// For each range of areas: the thresholds at which each detection counts neither way.
    var ignored: [[UInt16]]
    /// For each range of areas: the objects in it.
    var objects: [Int]

    private init() {
        matched = Array(repeating: [], count: Self.areas.count)
        ignored = matched
        objects = Array(repeating: 0, count: Self.areas.count)
    }

    /// Matches a category's detections with its objects, in each image by itself.
    static func match(_ objects: [MatchingObject], _ found: [MatchingDetection]) -> CategoryMatching {
        let objects = objects.sorted { ($0.image, $0.order) < ($1.image, $1.order) }
        // Equal scores keep the order of the file.
        let found = found.sorted { a, b in
            if a.image != b.image { return a.image < b.image }
            return a.score != b.score ? a.score > b.score : a.order < b.order
        }
        var matching = CategoryMatching()
        var (object, detection) = (0, 0)
        while object < objects.count || detection < found.count {
            let image = min(
                object < objects.count ? objects[object].image : .max,
                detection < found.count ? found[detection].image : .max)
            let lastObject = objects[object...].firstIndex { $0.image != image } ?? objects.count
            let lastDetection = found[detection...].firstIndex { $0.image != image } ?? found.count
            matching.add(objects[object..<lastObject], found[detection..<lastDetection].prefix(mostDetections))
            (object, detection) = (lastObject, lastDetection)
        }
        return matching
    }

    /// Matches one image.
    private mutating func add(_ objects: ArraySlice<MatchingObject>, _ found: ArraySlice<MatchingDetection>) {
        scores.append(contentsOf: found.map(\.score))
        ranks.append(contentsOf: found.indices.map { $0 - found.startIndex })
        let objects = Array(objects)
        let overlaps = found.map { detection in objects.map { Self.overlap(detection.box, $0) } }
        for (index, area) in Self.areas.enumerated() {
            let isIgnored = objects.map { $0.isCrowd || !area.contains($0.area) }
            self.objects[index] += isIgnored.count { !$0 }
            // Objects that count come first, in the order of the file.
            let order = objects.indices.filter { !isIgnored[$0] } + objects.indices.filter { isIgnored[$0] }
            var taken = [UInt16](repeating: 0, count: objects.count)
            for (detection, overlaps) in zip(found, overlaps) {
                let outcome = Self.outcome(overlaps, objects, order, isIgnored, &taken)
                // What found nothing counts only where its own area lies in the range.
                let isOutside = !area.contains(detection.box.area)
                matched[index].append(outcome.matched)
                ignored[index].append(outcome.ignored | (isOutside ? ~outcome.matched & Self.everyThreshold : 0))
            }
        }
    }

    private static let everyThreshold: UInt16 = 1 << 10 - 1

    /// Finds the object of one detection at each threshold: the one that it overlaps most among those that are left, an
    /// object that counts before one that does not. A crowd can be found any number of times.
    private static func outcome(
        _ overlaps: [Double], _ objects: [MatchingObject], _ order: [Int], _ isIgnored: [Bool], _ taken: inout [UInt16]
    ) -> (matched: UInt16, ignored: UInt16) {
        var outcome: (matched: UInt16, ignored: UInt16) = (0, 0)
        guard let most = overlaps.max(), most >= DetectionEvaluation.thresholds[0] else { return outcome }
        for (index, threshold) in DetectionEvaluation.thresholds.enumerated() {
            let bit: UInt16 = 1 << UInt16(index)
            var least = min(threshold, 1 - 1e-10)
            guard most >= least else { break }
            var best: Int?
            for object in order {
                if taken[object] & bit != 0, !objects[object].isCrowd { continue }
                if let best, !isIgnored[best], isIgnored[object] { break }
                if overlaps[object] < least { continue }
                least = overlaps[object]
                best = object
            }
            guard let best else { continue }
            taken[best] |= bit
            outcome.matched |= bit
            if isIgnored[best] { outcome.ignored |= bit }
        }
        return outcome
    }

    /// Intersection over union; over the detection's own area where the object is a crowd.
    private static func overlap(_ box: Box, _ object: MatchingObject) -> Double {
        let width = min(box.maxX, object.box.maxX) - max(box.x, object.box.x)
        let height = min(box.maxY, object.box.maxY) - max(box.y, object.box.y)
        guard width > 0, height > 0 else { return 0 }
        let shared = width * height
        return shared / (object.isCrowd ? box.area : box.area + object.box.area - shared)
    }
}
