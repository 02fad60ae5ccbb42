// Rules applied to one subset: which rule decides each object.

import Digests
import ErrorLines

/// The rules of a job, made ready for the objects of its subset.
public struct RuleJudge: Sendable {
    /// The rules.
    public let rules: MixedRules
    private let seed: UInt64
    /// Per rule, the categories that it takes by name and by frequency.
    private let categories: [Set<Int>]
    private let areas: [Range<Double>]
    private let smallestArea: Double?

    /// Resolves names and frequencies.
    ///
    /// A category's frequency is its share of the things that the subset keeps, whatever a limit, uncovered images or
    /// prompts that do not fit leave of them later.
    /// - Parameter seed: The job's seed, for rules with a share.
    /// - Throws: ``LayoutError`` where a rule names a category that is unknown or stuff.
    public init(_ rules: MixedRules, for subset: Subset, seed: UInt64) throws(LayoutError) {
        self.rules = rules
        self.seed = seed
        smallestArea = subset.rules.areaFraction
        let things = subset.categories.filter { !$0.isStuff }
        var objects: [Int: Int] = [:]
        for object in subset.images.lazy.flatMap(\.objects) where !object.category.isStuff {
            objects[object.category.id, default: 0] += 1
        }
        let total = max(1, objects.values.reduce(0, +))
        try Self.checkNames(rules, things: things, stuff: subset.categories.filter(\.isStuff))
        let conditions = rules.rules.map { $0.when ?? MixedRules.Condition() }
        areas = conditions.map(\.areas)
        categories = conditions.map { condition in
            let named = condition.categories.map(Set.init)
            return Set(
                things.filter { category in
                    named?.contains(category.name) != false
                        && condition.frequencies.contains(Double(objects[category.id] ?? 0) / Double(total))
                }.map(\.id))
        }
    }

    private static func checkNames(
        _ rules: MixedRules, things: [Category], stuff: [Category]
    ) throws(LayoutError) {
        let known = Set(things.map(\.name))
        for (index, rule) in rules.rules.enumerated() {
            guard let name = rule.when?.categories?.first(where: { !known.contains($0) }) else { continue }
            let place = "cannot use the rules: rule \(index + 1), when.categories: "
            guard !stuff.contains(where: { $0.name == name }) else {
                throw LayoutError(
                    .content,
                    place
                        + "expected things, found the stuff \(ErrorLine.quoted(name)); stuff stays [background] under "
                        + "every rule, so remove it")
            }
            let examples = things.prefix(3).map { ErrorLine.quoted($0.name) }.joined(separator: ", ")
            throw LayoutError(
                .content,
                place + "expected categories of the annotations (\(examples)\(things.count > 3 ? ", …" : "")), found "
                    + "\(ErrorLine.quoted(name)); `plan` lists them with another strategy")
        }
    }

    /// The position of the rule that decides a thing; nil where none does.
    /// - Parameters:
    ///   - box: Its box, clipped to its image.
    ///   - imageArea: Its image's area in square pixels.
    func rule(category: Int, box: Box, annotation: Int, image: Int, imageArea: Double) -> Int? {
        let area = box.area / imageArea
        return rules.rules.indices.first { index in
            guard categories[index].contains(category), areas[index].contains(area) else { return false }
            guard let share = rules.rules[index].share else { return true }
            return Self.draw(seed: seed, rule: index + 1, image: image, annotation: annotation) < share
        }
    }

    /// A number in 0..<1 for a rule and an object: the first 53 bits of SHA-256 of
    /// `detdiffusion.rule.v1|<job seed>|<rule, from 1>|<image id>|<annotation id>`, over 2^53.
    static func draw(seed: UInt64, rule: Int, image: Int, annotation: Int) -> Double {
        let digest = SHA256.digest(of: "detdiffusion.rule.v1|\(seed)|\(rule)|\(image)|\(annotation)")
        return Double(digest.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } >> 11) * 0x1p-53
    }

    /// What an object gets, before a detector is asked.
    func choice(for object: SelectedObject, in image: AnnotatedImage) -> MixedRules.Choice {
        let position = rule(
            category: object.category.id, box: object.box, annotation: object.annotation.id, image: image.id,
            imageArea: Double(image.width) * Double(image.height))
        return position.map { rules.rules[$0].use } ?? rules.otherwise
    }

    /// What each rule decided in `layouts`, the last entry for the objects that none did.
    public func outcomes(in layouts: [Layout]) -> [RuleOutcome] {
        var outcomes = rules.rules.enumerated().map { RuleOutcome(rule: $0 + 1, when: $1.words, use: $1.use) }
        outcomes.append(RuleOutcome(rule: nil, when: "otherwise", use: rules.otherwise))
        for layout in layouts {
            let imageArea = Double(layout.width) * Double(layout.height)
            for object in layout.objects where object.attribute != .background {
                let position = rule(
                    category: object.categoryID, box: object.box, annotation: object.annotationID,
                    image: layout.imageID, imageArea: imageArea)
                outcomes[position ?? rules.rules.count].count(object.attribute)
            }
        }
        return outcomes
    }

    /// The rules that decided nothing, and why where it can be said.
    public func remarks(on outcomes: [RuleOutcome]) -> [InputRemark] {
        let shadowed = Dictionary(rules.shadowed.map { ($0.rule, $0.by) }) { first, _ in first }
        return rules.rules.indices.filter { outcomes[$0].objects == 0 }.map { index in
            let cause =
                if let other = shadowed[index] {
                    "can never decide anything: rule \(other + 1) takes all of its objects before"
                } else if let smallestArea, areas[index].upperBound <= smallestArea {
                    "can never decide anything: the subset keeps only boxes of more than \(smallestArea) of their image"
                } else if categories[index].isEmpty {
                    "decided nothing: no category is like that"
                } else {
                    "decided nothing"
                }
            return InputRemark("rule \(index + 1) (\(rules.rules[index].words)) \(cause)")
        }
    }
}

/// What a rule decided in a plan.
public struct RuleOutcome: Hashable, Sendable, Codable {
    /// Its number in the file, from 1; nil for the objects that no rule decided.
    public var rule: Int?
    /// What it asks, in words.
    public var when: String
    /// What it gives.
    public var use: MixedRules.Choice
    /// Things that it decided.
    public var objects = 0
    /// How many of them are `[easy]`.
    public var easy = 0
    /// How many of them are `[hard]`.
    public var hard = 0

    init(rule: Int?, when: String, use: MixedRules.Choice) {
        self.rule = rule
        self.when = when
        self.use = use
    }

    mutating func count(_ attribute: Attribute) {
        objects += 1
        if attribute == .easy { easy += 1 } else { hard += 1 }
    }
}
