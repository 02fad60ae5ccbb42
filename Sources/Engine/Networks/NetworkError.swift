// Why a network could not take its weights.

/// Weights that do not fit the network: every missing, unexpected and mis-shaped tensor.
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
    static let listLimit = 3

    /// What was to be loaded, for example `unet`.
    public let part: String
    /// Names that the network asks for and the files do not have, in the order of asking.
    public let missing: [String]
    /// Names in the files that the network does not ask for, sorted.
    public let unexpected: [String]
    /// Tensors with another shape or a format that is not for numbers, in the order of asking.
    public let misfits: [Misfit]

    /// One line for each tensor, as in `unet: missing conv_in.weight`.
    public var lines: [String] {
        missing.map { "\(part): missing \($0)" } + unexpected.map { "\(part): unexpected \($0)" }
            + misfits.map { "\(part): mis-shaped \($0.name): expected \($0.expected), found \($0.found)" }
    }

    /// How many there are of each kind, as in `unet: 2 missing, 1 mis-shaped`.
    public var counts: String {
        let counts = [("missing", missing.count), ("unexpected", unexpected.count), ("mis-shaped", misfits.count)]
        return "\(part): " + counts.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }.joined(separator: ", ")
    }

    /// One line: the counts and the first names; ``lines`` has them all.
    public var description: String {
        let shown = lines.prefix(Self.listLimit).joined(separator: "; ")
        let rest = lines.count > Self.listLimit ? "; and \(lines.count - Self.listLimit) more" : ""
        return "cannot load weights, tensors of \(counts); its config.json must be the one that they were saved with; "
            + shown + rest
    }
}
