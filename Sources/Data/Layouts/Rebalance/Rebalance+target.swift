// The target's shares, in numbers, for one real set.

import ErrorLines

extension Rebalance {
    /// The share that each bin should have, together 1.
    /// - Parameter reachable: Which bins hold an object, real or of a layout; others cannot have any.
    func shares(
        of bins: ObjectBins, real: RealCounts, reachable: [Bool]
    ) throws(LayoutError) -> [Double] {
        let counts = real.objects.map(Double.init)
        let weights: [Double]
        switch target {
        case .uniform: weights = uniform(bins, counts, reachable)
        case .squareRoot: weights = counts.map { $0.squareRoot() }
        case .repeatFactor(let threshold):
            weights = zip(counts, real.images).map { count, images in
                let share = Double(images) / Double(max(1, real.imageCount))
                return images == 0 ? 0 : count * max(1, (threshold / share).squareRoot())
            }
        case .shares(let named): weights = try Self.shares(named, bins, counts)
        }
        let total = weights.reduce(0, +)
        guard total > 0 else {
            throw LayoutError(
                .content,
                "cannot rebalance: expected a real set with objects, found none that is trained on; "
                    + "leave out --rebalance, or give --target uniform")
        }
        return weights.map { $0 / total }
    }

    /// The same for all bins of a group, which keeps the group's real share.
    private func uniform(_ bins: ObjectBins, _ counts: [Double], _ reachable: [Bool]) -> [Double] {
        var weights = Array(repeating: 0.0, count: counts.count)
        for group in bins.groups {
            let members = group.filter { reachable[$0] }
            let weight = bins.groups.count == 1 ? 1 : group.reduce(0) { $0 + counts[$1] }
            for bin in members { weights[bin] = weight / Double(members.count) }
        }
        return weights
    }

    /// How far from 1 shares of all bins may add up to, and shares above it.
    private static let tolerance = 1e-6

    private static func shares(
        _ named: [String: Double], _ bins: ObjectBins, _ counts: [Double]
    ) throws(LayoutError) -> [Double] {
        let places = Dictionary(uniqueKeysWithValues: bins.names.enumerated().map { ($1, $0) })
        if let unknown = named.keys.filter({ places[$0] == nil }).min() {
            let examples = bins.names.prefix(3).map { ErrorLine.quoted($0) }.joined(separator: ", ")
            throw targetError(
                "names of bins (\(examples)\(bins.names.count > 3 ? ", …" : ""))", found: ErrorLine.quoted(unknown),
                fix: "`plan --rebalance` without --target lists them")
        }
        // Added in a fixed order: sums of doubles depend on it, and the plan must not.
        let sum = named.sorted { $0.key < $1.key }.reduce(0) { $0 + $1.value }
        let isWhole = named.count == bins.names.count
        guard sum <= 1 + tolerance, !isWhole || sum >= 1 - tolerance else {
            throw targetError(
                isWhole ? "shares of all bins that add up to 1" : "shares that add up to at most 1", found: "\(sum)",
                fix: "bins that are not named share the rest")
        }
        let rest = max(0, 1 - sum)
        let others = bins.names.indices.filter { named[bins.names[$0]] == nil }
        let realOfOthers = others.reduce(0) { $0 + counts[$1] }
        guard rest <= tolerance || realOfOthers > 0 else {
            throw targetError(
                "shares that add up to 1, since no other bin has a real object", found: "\(sum)",
                fix: "raise them or name more bins")
        }
        return bins.names.indices.map { bin in
            named[bins.names[bin]] ?? (realOfOthers > 0 ? rest * counts[bin] / realOfOthers : 0)
        }
    }

    private static func targetError(_ expected: String, found: String, fix: String) -> LayoutError {
        LayoutError(.content, "cannot use the target: shares: expected \(expected), found \(found); \(fix)")
    }
}
