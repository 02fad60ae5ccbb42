// Greedy choice of layouts, lazily evaluated: which one next brings counts nearest to a target.

import Foundation

/// Chooses, again and again, the layout whose image brings the merged counts nearest to a target.
///
/// With real counts R, counts G of what was chosen and B bins in play, bin b of the merged set has the share
/// m(b) = (R(b) + G(b) + 1) / (sum of R + G + 1). Its distance from the target t is the Kullback-Leibler divergence
/// sum of t(b) log(t(b) / m(b)), in nats; the 1 keeps it finite for a bin without objects. A layout with g(b) objects in
/// bin b, n in all, reduces it by
///
///     sum of t(b) log(1 + g(b) / C(b))  -  log(1 + n / N)
///
/// where C(b) is the numerator and N the denominator before. The first part is submodular: it only falls as counts grow,
/// so an old value is a bound of today's (Minoux 1978). The second rises, but is the same for all layouts of n objects.
/// So there is a heap for each n, ordered by the first part, and only what leads its heap is computed anew. What is chosen
/// is exactly what a comparison of all layouts would choose.
struct LayoutChooser {
    /// Layouts that count alike.
    private struct Pattern {
        /// Bins with the number of objects in each.
        let bins: [(bin: Int, objects: Double)]
        let objects: Int
        /// The layouts, in plan order.
        var layouts: [Int]
        /// How many images of them were chosen.
        var chosen = 0
    }

    private let target: [Double]
    private let maximumRepeats: Int
    private var counts: [Double]
    private var total: Double
    private var patterns: [Pattern] = []
    /// By number of objects, ascending.
    private var heaps: [(objects: Int, heap: BoundHeap)] = []
    private var round = 0

    /// - Parameters:
    ///   - patterns: The bins of each layout's objects, sorted; layouts without any are never chosen.
    ///   - real: Objects of each bin.
    ///   - isInPlay: Which bins count.
    init(patterns layouts: [[Int]], real: [Int], target: [Double], isInPlay: [Bool], maximumRepeats: Int) {
        self.target = target
        self.maximumRepeats = maximumRepeats
        counts = zip(real, isInPlay).map { Double($0) + ($1 ? 1 : 0) }
        total = counts.reduce(0, +)
        var places: [[Int]: Int] = [:]
        for (index, bins) in layouts.enumerated() where !bins.isEmpty {
            if let place = places[bins] {
                patterns[place].layouts.append(index)
                continue
            }
            places[bins] = patterns.count
            let occurrences = Dictionary(grouping: bins, by: \.self).map { (bin: $0, objects: Double($1.count)) }
            patterns.append(
                Pattern(bins: occurrences.sorted { $0.bin < $1.bin }, objects: bins.count, layouts: [index]))
        }
        heaps = Dictionary(grouping: patterns.indices, by: { patterns[$0].objects }).sorted { $0.key < $1.key }.map {
            (objects, places) in
            let entries = places.map {
                BoundHeap.Entry(bound: attraction(of: patterns[$0]), pattern: $0, round: 0)
            }
            return (objects, BoundHeap(entries))
        }
    }

    /// The first part of what an image of the pattern reduces the distance by.
    private func attraction(of pattern: Pattern) -> Double {
        pattern.bins.reduce(0) { $0 + target[$1.bin] * log1p($1.objects / counts[$1.bin]) }
    }

    /// The next image, if one brings the counts nearer to the target.
    ///
    /// Of layouts that count alike each is taken once before any is taken again, in plan order.
    mutating func next() -> LayoutPick? {
        while let (place, top) = lead() {
            guard top.round == round else {
                heaps[place].heap.replaceTop(bound: attraction(of: patterns[top.pattern]), round: round)
                continue
            }
            return take(top.pattern, from: place)
        }
        return nil
    }

    /// The heap whose top promises most, and more than nothing; among equals that of fewest objects.
    private func lead() -> (heap: Int, top: BoundHeap.Entry)? {
        var best: (heap: Int, top: BoundHeap.Entry)?
        var most = 0.0
        for place in heaps.indices {
            guard let top = heaps[place].heap.top else { continue }
            let gain = top.bound - log1p(Double(heaps[place].objects) / total)
            if gain > most { (best, most) = ((place, top), gain) }
        }
        return best
    }

    private mutating func take(_ place: Int, from heap: Int) -> LayoutPick {
        let pattern = patterns[place]
        let (sample, position) = pattern.chosen.quotientAndRemainder(dividingBy: pattern.layouts.count)
        patterns[place].chosen += 1
        for (bin, objects) in pattern.bins { counts[bin] += objects }
        total += Double(pattern.objects)
        round += 1
        if patterns[place].chosen == pattern.layouts.count * maximumRepeats { heaps[heap].heap.removeTop() }
        return LayoutPick(layout: pattern.layouts[position], sample: sample)
    }

    /// The distance of the merged counts from the target.
    var distance: Double {
        zip(target, counts).reduce(0) { sum, bin in
            bin.0 > 0 ? sum + bin.0 * log(bin.0 * total / bin.1) : sum
        }
    }
}

/// One image to generate: a layout of a plan, and which of its samples.
public struct LayoutPick: Hashable, Sendable {
    /// The layout's place in the plan.
    public var layout: Int
    /// From 0; the samples of a layout come in their order.
    public var sample: Int

    /// Sample `sample` of the layout at `layout`.
    public init(layout: Int, sample: Int) {
        self.layout = layout
        self.sample = sample
    }
}
