// One tensor of a weight file.

/// A tensor's name, shape and format, and where in its file the numbers are.
public struct WeightEntry: Sendable, Hashable {
    /// Its whole name, without control characters.
    public let name: String
    /// Its dimensions, outermost first; empty for a single number.
    public let shape: [Int]
    /// How each number is stored.
    public let format: NumberFormat
    /// Where its numbers are.
    let placement: Placement

    /// How many numbers it has.
    public var count: Int { shape.reduce(1, *) }

    /// How many bytes its numbers take, row after row, without gaps.
    public var byteCount: Int { count * format.byteCount }

    /// Whether its numbers lie in the file row after row, without gaps.
    public var isDense: Bool { placement.strides == nil }

    /// Where the numbers of a tensor lie.
    struct Placement: Sendable, Hashable {
        /// The first number's place in the file, in bytes.
        var offset: Int
        /// The distance between neighbors of each dimension, in numbers; nil when the tensor is dense.
        var strides: [Int]?
    }

    /// The most dimensions of a tensor; torch's own limit.
    static let rankLimit = 64

    /// The numbers that `shape` has, or nil where their bytes do not fit an `Int`.
    static func count(of shape: [Int], format: NumberFormat) -> Int? {
        var bytes = format.byteCount
        for size in shape {
            let (product, overflows) = bytes.multipliedReportingOverflow(by: size)
            guard !overflows else { return nil }
            bytes = product
        }
        return bytes / format.byteCount
    }
}
