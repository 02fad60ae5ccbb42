// The perception-aware attribute of an object, and the strategies that choose it.

/// How hard an object is for a detector (section 3.2, equation 2 of the paper).
public enum Attribute: String, Codable, Sendable, CaseIterable {
    /// The detector finds it.
    case easy
    /// The detector misses it.
    case hard
    /// The detector has no name for its class (stuff).
    case background

    /// How the attribute stands in a prompt, for example `[easy]`.
    public var promptText: String { "[\(rawValue)]" }
}

/// Which attributes a job's prompts carry (section 3.2 of the paper, but for the last).
public enum Strategy: String, Codable, Sendable, CaseIterable {
    /// Each object keeps what the detector says of it.
    case origin
    /// Every object is `[hard]`; stuff keeps `[background]`.
    case hard
    /// Every object is `[easy]`; stuff keeps `[background]`.
    case easy
    /// Rules choose for each object (``MixedRules``); stuff keeps `[background]`. Not of the paper.
    case mixed
}

/// What happens to images that the detector was not run on, where a detector is asked.
public enum UncoveredPolicy: String, Codable, Sendable, CaseIterable {
    /// The plan is refused, with their number and the first ids.
    case fail
    /// They are left out of the plan and counted.
    case skip
    /// Their objects are taken as not detected: `[hard]`.
    case hard
}
