// Tables of vectors.

public import Tensors

/// A table of learned vectors, read by row number.
public struct Embedding: Sendable {
    /// `[count, channels]`.
    public let table: Parameter

    /// Reads `weight`.
    public init(_ weights: WeightScope, count: Int, channels: Int) {
        table = weights.parameter("weight", shape: [count, channels])
    }

    /// `[batch][positions]` row numbers give `[batch, positions, channels]`.
    public func callAsFunction(_ identifiers: [[Int]]) -> Tensor {
        Tensor.embedding(table.tensor, identifiers: identifiers)
    }
}
