// Making a plan under strategy `mixed`.

extension LayoutPlan {
    /// Gives every object of a subset what the rules say, and makes the layouts. Stuff is `[background]`.
    ///
    /// A detector is asked only about objects whose rule says so: only images with such objects must be covered by it.
    /// Throws as `make(subset:strategy:attributes:)` does under ``Strategy/origin``.
    public static func make(
        subset: Subset, rules judge: RuleJudge, attributes: AttributeSource?
    ) throws(LayoutError) -> LayoutPlan {
        let asking = subset.images.filter { selected in
            judge.rules.mentionsOrigin
                && selected.objects.contains {
                    !$0.category.isStuff && judge.choice(for: $0, in: selected.image) == .origin
                }
        }
        if let attributes {
            try check(attributes, for: subset)
        } else if let first = asking.first {
            throw LayoutError(
                .options,
                "cannot plan strategy mixed: expected a detector's results, which the rules ask for in \(asking.count) of "
                    + "\(subset.images.count) images (image \(first.image.id) first), found none; give them with "
                    + "--detections FILE, or use hard or easy instead of origin")
        }
        let uncovered = asking.map(\.image.id).filter { attributes?.covers($0) == false }
        if attributes?.uncovered == .fail, !uncovered.isEmpty {
            throw uncoveredError(.mixed, uncovered, of: asking.count)
        }
        let skipped = attributes?.uncovered == .skip ? Set(uncovered) : []
        var plan = build(subset, uncovered: uncovered.count) { image in
            if skipped.contains(image.id) { return nil }
            return { object in
                if object.category.isStuff { return .background }
                switch judge.choice(for: object, in: image) {
                case .hard: return .hard
                case .easy: return .easy
                // Without a source no object asks for one.
                case .origin: return attributes?.attribute(of: object, in: image) ?? .hard
                }
            }
        }
        plan.statistics.rules = judge.outcomes(in: plan.layouts)
        return plan
    }
}
