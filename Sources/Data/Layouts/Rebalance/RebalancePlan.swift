// From a request to even out a set to the images that do it.

/// Which images to generate, in their order, and what they make of the real set.
public struct RebalancePlan: Sendable {
    /// The images; a smaller limit gives the beginning of these.
    public let picks: [LayoutPick]
    /// What they do.
    public let report: RebalanceReport

    /// Chooses at most `limit` images of `layouts` beside the real set; none that would lead away from the target.
    ///
    /// - Parameters:
    ///   - layouts: Those that may be generated, each up to the request's maximum.
    ///   - real: The set that the images will be merged with; its crowds and regions to be ignored do not count.
    ///   - categories: The bins' categories; stuff never counts.
    ///   - frame: Pixels of a generated image.
    /// - Throws: ``LayoutError`` for a target that names unknown bins or does not add up, and for a real set without objects.
    public init(
        _ rebalance: Rebalance, layouts: [Layout], real set: AnnotationSet, categories: [Category],
        frame: (width: Int, height: Int), limit: Int
    ) throws(LayoutError) {
        let bins = ObjectBins(rebalance, categories: categories)
        let real = RealCounts(set, in: bins)
        let patterns = layouts.map { $0.pattern(in: bins, frame: frame) }
        var available = Array(repeating: 0, count: bins.names.count)
        for bin in patterns.lazy.joined() { available[bin] += 1 }
        let isReachable = zip(real.objects, available).map { $0 > 0 || $1 > 0 }
        let target = try rebalance.shares(of: bins, real: real, reachable: isReachable)
        var chooser = LayoutChooser(
            patterns: patterns, real: real.objects, target: target,
            isInPlay: zip(isReachable, target).map { $0 || $1 > 0 }, maximumRepeats: rebalance.maximumRepeats)
        let before = chooser.distance
        var picks: [LayoutPick] = []
        while picks.count < limit, let pick = chooser.next() { picks.append(pick) }
        var generated = Array(repeating: 0, count: bins.names.count)
        for pick in picks { for bin in patterns[pick.layout] { generated[bin] += 1 } }
        self.picks = picks
        report = RebalanceReport(
            by: rebalance.by, target: rebalance.target.name, images: picks.count,
            layouts: picks.count { $0.sample == 0 }, mostRepeats: (picks.map(\.sample).max() ?? -1) + 1,
            reachedLimit: picks.count == limit, distanceBefore: before, distanceAfter: chooser.distance,
            bins: bins.names.indices.map { bin in
                RebalanceReport.Bin(
                    name: bins.names[bin], real: real.objects[bin], generated: generated[bin],
                    available: available[bin], target: target[bin])
            })
    }
}

/// What rebalancing does to a set, in numbers.
public struct RebalanceReport: Hashable, Sendable, Codable {
    /// One bin.
    public struct Bin: Hashable, Sendable, Codable {
        /// Its name, as a target file has it.
        public var name: String
        /// Objects of the real set.
        public var real: Int
        /// Objects of the images to generate.
        public var generated: Int
        /// Objects of all layouts, each taken once.
        public var available: Int
        /// The share that it should have of the merged set.
        public var target: Double
        /// Its share of the real set.
        public var realShare = 0.0
        /// Its share of the merged set.
        public var mergedShare = 0.0

        init(name: String, real: Int, generated: Int, available: Int, target: Double) {
            self.name = name
            self.real = real
            self.generated = generated
            self.available = available
            self.target = target
        }
    }

    /// What sorts objects into bins.
    public var by: Rebalance.Dimension
    /// The kind of target.
    public var target: String
    /// Images to generate.
    public var images: Int
    /// Layouts that they are made from.
    public var layouts: Int
    /// Images of the layout that is used most.
    public var mostRepeats: Int
    /// Whether the limit ended the choice; else no further image would bring the set nearer.
    public var reachedLimit: Bool
    /// The divergence of the real set from the target in nats, as `LayoutChooser` defines it.
    public var distanceBefore: Double
    /// That of the merged set.
    public var distanceAfter: Double
    /// The bins in their order.
    public var bins: [Bin]

    init(
        by: Rebalance.Dimension, target: String, images: Int, layouts: Int, mostRepeats: Int, reachedLimit: Bool,
        distanceBefore: Double, distanceAfter: Double, bins: [Bin]
    ) {
        self.by = by
        self.target = target
        self.images = images
        self.layouts = layouts
        self.mostRepeats = mostRepeats
        self.reachedLimit = reachedLimit
        self.distanceBefore = distanceBefore
        self.distanceAfter = distanceAfter
        let real = max(1, bins.reduce(0) { $0 + $1.real })
        let merged = max(1, bins.reduce(0) { $0 + $1.real + $1.generated })
        self.bins = bins.map { bin in
            var bin = bin
            bin.realShare = Double(bin.real) / Double(real)
            bin.mergedShare = Double(bin.real + bin.generated) / Double(merged)
            return bin
        }
    }

    /// Bins that should have more and that no layout has an object of.
    public var remarks: [InputRemark] {
        let missing = bins.filter { $0.available == 0 && $0.target > $0.mergedShare }
        guard let first = missing.first else { return [] }
        let others = missing.count > 1 ? " and of \(missing.count - 1) more bins" : ""
        return [InputRemark("no layout has an object of '\(first.name)'\(others) that should have more")]
    }
}
