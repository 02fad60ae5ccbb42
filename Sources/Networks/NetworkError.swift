// Why a network could not take its weights.

/// Weights that do not fit the network: one line that lists every missing, unexpected and mis-shaped tensor.
public struct NetworkError: Error, CustomStringConvertible, Sendable, Hashable {
    /// A tensor whose shape is not the network's.
    public struct Misfit: Sendable, Hashable {
        /// The name in the file.
        public let name: String
        /// The shape that the network's configuration asks for.
        public let expected: [Int]
        /// What the file holds: its shape, or its number format where that cannot be computed with.
        public let found: String
    }

    /// The most names that one list of the message shows.
    static let listLimit = 20

    /// What was to be loaded, for example `unet`.
    public let part: String
    /// Names that the network asks for and the files do not have, in the order of asking.
    public let missing: [String]
    /// Names in the files that the network does not ask for, sorted.
    public let unexpected: [String]
    /// Tensors with another shape or a format that is not for numbers, in the order of asking.
    public let misfits: [Misfit]

    /// The whole message, one line: the counts, then the names; long lists show their first 20.
    public var description: String {
        let lists = [
            ("missing", missing), ("unexpected", unexpected),
            ("mis-shaped", misfits.map { "\($0.name) \($0.expected) found as \($0.found)" }),
        ].filter { !$0.1.isEmpty }
        let counts = lists.map { "\($0.1.count) \($0.0)" }.joined(separator: ", ")
        let names = lists.map { "\($0.0): \(Self.shown($0.1))" }.joined(separator: "; ")
        return
            "cannot load \(part), tensors: \(counts); its config.json must be the one that its weights were saved with; "
            + names
    }

    private static func shown(_ names: [String]) -> String {
        let rest = names.count > listLimit ? " and \(names.count - listLimit) more" : ""
        return names.prefix(listLimit).joined(separator: ", ") + rest
    }
}
