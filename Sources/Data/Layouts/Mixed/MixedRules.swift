// The rules of strategy `mixed`: which objects are hard, which easy, and which keep what the detector says.

public import Digests
import Foundation

/// Rules that give each object its attribute; the first that decides an object wins (docs/strategies.md).
///
/// Canonical: equal rules, however a file spells them, are equal values of equal JSON, so they stand in the job's
/// identity.
public struct MixedRules: Hashable, Sendable, Codable {
    /// What a rule gives an object.
    public enum Choice: String, Codable, Sendable, CaseIterable {
        /// `[hard]`.
        case hard
        /// `[easy]`.
        case easy
        /// What a detector says of it (equation 2 of the paper).
        case origin
    }

    /// What an object must be for a rule; all of it.
    public struct Condition: Hashable, Sendable, Codable {
        /// Its category's name is one of these, sorted, each once.
        public var categories: [String]?
        /// Its category has less than this share of the subset's things.
        public var frequencyBelow: Double?
        /// Its category has at least this share of the subset's things.
        public var frequencyAtLeast: Double?
        /// Its box, clipped, covers less than this share of its image.
        public var areaBelow: Double?
        /// Its box, clipped, covers at least this share of its image.
        public var areaAtLeast: Double?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case categories
            case frequencyBelow = "frequency_below"
            case frequencyAtLeast = "frequency_at_least"
            case areaBelow = "area_below"
            case areaAtLeast = "area_at_least"
        }

        /// A condition that every object meets.
        public init() {}

        /// The shares of its category that it takes.
        var frequencies: Range<Double> { Self.range(frequencyAtLeast, frequencyBelow) }
        /// The shares of an image that it takes.
        var areas: Range<Double> { Self.range(areaAtLeast, areaBelow) }

        /// No share is above 1, so what has no upper bound ends beyond it.
        private static func range(_ lower: Double?, _ upper: Double?) -> Range<Double> {
            let (lower, upper) = (lower ?? 0, upper ?? 2)
            return lower..<max(lower, upper)
        }

        /// Whether it takes every object that `other` takes, by what the two say.
        func covers(_ other: Condition) -> Bool {
            guard let categories else { return coversRanges(of: other) }
            return other.categories.map { Set($0).isSubset(of: categories) } == true && coversRanges(of: other)
        }

        private func coversRanges(of other: Condition) -> Bool {
            frequencies.contains(other.frequencies) && areas.contains(other.areas)
        }
    }

    /// One rule.
    public struct Rule: Hashable, Sendable, Codable {
        /// Which objects; nil for all of them.
        public var when: Condition?
        /// The share of those objects that it decides, drawn from the job's seed; nil for all of them.
        public var share: Double?
        /// What it gives them.
        public var use: Choice

        enum CodingKeys: String, CodingKey, CaseIterable { case when, share, use }

        /// A rule for the objects that meet `condition`, or for a share of them.
        public init(when condition: Condition? = nil, share: Double? = nil, use: Choice) {
            var condition = condition
            if let categories = condition?.categories { condition?.categories = Set(categories).sorted() }
            when = condition == Condition() ? nil : condition
            self.share = share == 1 ? nil : share
            self.use = use
        }
    }

    enum CodingKeys: String, CodingKey, CaseIterable { case rules, otherwise }

    /// The rules in the order in which they are asked.
    public var rules: [Rule]
    /// What objects get that no rule decides.
    public var otherwise: Choice

    /// Makes the rules of a job.
    public init(rules: [Rule], otherwise: Choice) {
        self.rules = rules
        self.otherwise = otherwise
    }

    /// SHA-256 of the canonical JSON: what tells rules apart, in short.
    public var digest: SHA256Digest { SHA256.digest(of: canonicalJSON) }

    /// Canonical JSON: keys sorted, absent parts left out, shortest numbers.
    public var canonicalJSON: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        } catch {
            preconditionFailure("shares are finite: \(error)")
        }
    }

    /// Whether some object could need a detector's results.
    public var mentionsOrigin: Bool { otherwise == .origin || rules.contains { $0.use == .origin } }
}

extension MixedRules.Rule {
    /// What it asks, in words: `category is person or dog, area at least 0.1, a share of 0.3`.
    public var words: String {
        let condition = when ?? MixedRules.Condition()
        let parts =
            [condition.categories.map(Self.words)]
            + [
                ("frequency", condition.frequencyAtLeast, condition.frequencyBelow),
                ("area", condition.areaAtLeast, condition.areaBelow),
            ].map(Self.words)
            + [share.map { "a share of \($0)" }]
        return parts.compactMap(\.self).joined(separator: ", ")
    }

    private static func words(_ categories: [String]) -> String {
        "category is " + categories.joined(separator: " or ")
    }

    private static func words(_ name: String, _ lower: Double?, _ upper: Double?) -> String? {
        switch (lower, upper) {
        case (nil, nil): nil
        case (let lower?, nil): "\(name) at least \(lower)"
        case (nil, let upper?): "\(name) below \(upper)"
        case (let lower?, let upper?): "\(name) from \(lower) to below \(upper)"
        }
    }
}
