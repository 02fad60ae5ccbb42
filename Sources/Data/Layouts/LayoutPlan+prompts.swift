// Leaving out layouts whose prompt a generator cannot take.

extension LayoutPlan {
    /// The plan without the layouts for which `isUnfit` holds; they are counted under ``DropReason/prompt``, their
    /// objects under ``DropReason/imageDropped``.
    public func dropping(where isUnfit: (Layout) throws -> Bool) rethrows -> LayoutPlan {
        var kept: [Layout] = []
        var dropped: [Layout] = []
        for layout in layouts {
            if try isUnfit(layout) { dropped.append(layout) } else { kept.append(layout) }
        }
        return LayoutPlan(layouts: kept, statistics: statistics.dropping(dropped))
    }
}

extension PlanStatistics {
    fileprivate func dropping(_ layouts: [Layout]) -> PlanStatistics {
        let objects = layouts.flatMap(\.objects)
        var byCategory: [String: Int] = [:]
        var byAttribute: [Attribute: Int] = [:]
        for object in objects {
            byCategory[object.category, default: 0] += 1
            byAttribute[object.attribute, default: 0] += 1
        }
        var result = self
        result.images -= layouts.count
        result.objects -= objects.count
        result.categories = categories.map {
            CategoryCount(name: $0.name, objects: $0.objects - byCategory[$0.name, default: 0])
        }
        result.attributes = attributes.map {
            AttributeCount(attribute: $0.attribute, objects: $0.objects - byAttribute[$0.attribute, default: 0])
        }
        result.droppedImages = droppedImages.map {
            RuleCount(rule: $0.rule, count: $0.count + ($0.rule == .prompt ? layouts.count : 0))
        }
        result.droppedAnnotations = droppedAnnotations.map {
            RuleCount(rule: $0.rule, count: $0.count + ($0.rule == .imageDropped ? objects.count : 0))
        }
        return result
    }
}
