// What a job is asked to even out: over which bins, toward which shares, and how often it may use a layout.

/// Asks that layouts be generated as often as brings the merged set, real and generated, nearest to a target
/// (docs/strategies.md). Not of the paper.
public struct Rebalance: Hashable, Sendable, Codable {
    /// What sorts objects into bins.
    public enum Dimension: String, Codable, Sendable, CaseIterable {
        /// Its category.
        case frequency
        /// Its size, small, medium or large as COCO has them.
        case size
        /// Its size, apart for each category.
        case sizePerCategory = "size-per-category"
        /// Where its center lies, on a grid.
        case position
    }

    /// How often a layout may be generated at most.
    public static let repeatRange = 1...1000
    /// Cells across and down that a grid may have.
    public static let gridSides = 1...64

    /// What sorts objects into bins.
    public var by: Dimension
    /// The grid of ``Dimension/position``.
    public var grid: Bins?
    /// The shares to come near to.
    public var target: RebalanceTarget
    /// How often a layout is generated at most.
    public var maximumRepeats: Int

    /// Asks for the usual: at most ten images a layout, a grid of 3x3, and the dimension's own target.
    public init(by: Dimension, grid: Bins? = nil, target: RebalanceTarget? = nil, maximumRepeats: Int = 10) {
        self.by = by
        self.grid = by == .position ? grid ?? Bins(columns: 3, rows: 3) : nil
        self.target = target ?? (by == .frequency ? .squareRoot : .uniform)
        self.maximumRepeats = maximumRepeats
    }
}

/// The shares of bins that a merged set should have.
public enum RebalanceTarget: Hashable, Sendable {
    /// The same for every bin; for sizes per category, the same for the sizes of each category.
    case uniform
    /// As the square root of the real count (Mahajan and others, arXiv:1805.00932).
    case squareRoot
    /// The real count times max(1, sqrt(threshold/f)), where f is the share of images that hold the category: repeat
    /// factor sampling (Gupta and others, LVIS, arXiv:1908.03195); for ``Rebalance/Dimension/frequency`` only.
    case repeatFactor(threshold: Double)
    /// Given by name; bins that are not named share the rest as their real counts do.
    case shares([String: Double])

    /// LVIS's threshold.
    public static let usualThreshold = 0.001
}

extension RebalanceTarget: Codable {
    private enum Form: String, Codable {
        case uniform
        case squareRoot = "square-root"
        case repeatFactor = "repeat-factor"
        case shares
    }

    private enum CodingKeys: String, CodingKey { case form, threshold, shares }

    /// Decodes `{"form":…}` with the form's own numbers beside it.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(Form.self, forKey: .form) {
        case .uniform: self = .uniform
        case .squareRoot: self = .squareRoot
        case .repeatFactor: self = .repeatFactor(threshold: try container.decode(Double.self, forKey: .threshold))
        case .shares: self = .shares(try container.decode([String: Double].self, forKey: .shares))
        }
    }

    /// Encodes the same.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(form, forKey: .form)
        if case .repeatFactor(let threshold) = self { try container.encode(threshold, forKey: .threshold) }
        if case .shares(let shares) = self { try container.encode(shares, forKey: .shares) }
    }

    private var form: Form {
        switch self {
        case .uniform: .uniform
        case .squareRoot: .squareRoot
        case .repeatFactor: .repeatFactor
        case .shares: .shares
        }
    }

    /// What it is called where people ask for it.
    public var name: String { form.rawValue }
}
