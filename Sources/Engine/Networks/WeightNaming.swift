// Under which names files hold what a network asks for.

/// The differences between a network's names and those in the files of its checkpoints, as a table.
public struct WeightNaming: Sendable {
    /// One difference: a part of the name that the network asks for, and what stands in its place in some files.
    public struct Rule: Sendable {
        let wanted: String
        let stored: String

        /// Takes what is asked for and what some files have instead; both are parts of names.
        public init(_ wanted: String, storedAs stored: String) {
            self.wanted = wanted
            self.stored = stored
        }

        /// The name under this rule; `nil` where the rule does not apply.
        func apply(to name: String) -> String? {
            guard let place = name.firstRange(of: wanted) else { return nil }
            return name.replacingCharacters(in: place, with: stored)
        }
    }

    /// Tried one at a time, in order, after the name itself.
    public var rules: [Rule]
    /// Last components of names that files may have and no network needs, such as `position_ids`.
    public var ignored: Set<String>

    /// Files hold the network's own names, or those that a rule gives.
    public init(rules: [Rule] = [], ignored: Set<String> = []) {
        self.rules = rules
        self.ignored = ignored
    }

    /// The names to look for, the most likely first.
    func candidates(for name: String) -> [String] { [name] + rules.compactMap { $0.apply(to: name) } }

    /// Whether a file may have this tensor without a network that asks for it.
    func ignores(_ name: String) -> Bool {
        ignored.contains(String(name[(name.lastIndex(of: ".").map(name.index(after:)) ?? name.startIndex)...]))
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<String.Index>, with other: String) -> String {
        String(self[..<range.lowerBound]) + other + self[range.upperBound...]
    }
}
