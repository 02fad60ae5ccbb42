// What a plan holds and what was dropped on the way, in numbers.

/// How often a category occurs in a plan.
public struct CategoryCount: Hashable, Sendable, Codable {
    /// The category's name.
    public var name: String
    /// Number of objects.
    public var objects: Int
}

/// How often an attribute occurs in a plan.
public struct AttributeCount: Hashable, Sendable, Codable {
    /// The attribute.
    public var attribute: Attribute
    /// Number of objects.
    public var objects: Int
}

/// The numbers of a ``LayoutPlan``.
public struct PlanStatistics: Hashable, Sendable, Codable {
    /// Layouts in the plan.
    public var images: Int
    /// Objects in the plan.
    public var objects: Int
    /// Dropped annotations in rule order, zeros included.
    public var droppedAnnotations: [RuleCount]
    /// Dropped images in rule order, zeros included.
    public var droppedImages: [RuleCount]
    /// Objects by category, in the files' category order, zeros included.
    public var categories: [CategoryCount]
    /// Objects by attribute: easy, hard, background, zeros included.
    public var attributes: [AttributeCount]
    /// Images of the subset that the detector was not run on, whatever the policy did with them; 0 unless the strategy
    /// asks a detector about them.
    public var uncoveredImages: Int
    /// What each rule of strategy mixed decided, the last entry for the objects that none did; nil for other strategies.
    public var rules: [RuleOutcome]?
}
