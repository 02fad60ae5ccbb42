// How much memory a generator may take, and a clear refusal where that is too little.

/// Memory for weights and activations.
public struct MemoryBudget: Sendable {
    /// Bytes.
    public let bytes: Int

    /// Allows `bytes`.
    public init(bytes: Int) { self.bytes = bytes }

    /// What is left beside `taken` bytes.
    public func less(_ taken: Int) -> MemoryBudget { MemoryBudget(bytes: max(0, bytes - taken)) }

    /// Refuses what cannot fit.
    /// - Throws: ``CheckpointError`` with both figures.
    public func require(_ needed: Int, for what: String) throws(CheckpointError) {
        guard needed <= bytes else {
            throw CheckpointError(
                .unsupported,
                "\(what): needs about \(Self.text(needed)) of memory, found \(Self.text(bytes)); use a host with more, "
                    + "or raise --memory")
        }
    }

    /// Decimal gigabytes with one digit, as people read them.
    public static func text(_ bytes: Int) -> String {
        bytes < 100_000_000
            ? "\((Double(bytes) / 1e5).rounded() / 10) MB" : "\((Double(bytes) / 1e8).rounded() / 10) GB"
    }
}
