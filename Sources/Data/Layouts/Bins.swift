// The grid on which box corners become location tokens.

/// The grid of location tokens, a property of a checkpoint (`num_bucket_per_side`).
public struct Bins: Hashable, Sendable, CustomStringConvertible {
    /// More than this on a side is refused when parsing and decoding.
    public static let sideLimit = 4096

    /// nx: bins across.
    public var columns: Int
    /// ny: bins down.
    public var rows: Int

    /// Makes a grid of at least 1 x 1.
    public init(columns: Int, rows: Int) {
        precondition(columns >= 1 && rows >= 1, "a grid has at least one bin a side")
        self.columns = columns
        self.rows = rows
    }

    /// Reads `COLUMNSxROWS`, for example `256x256`; `nil` for anything else and for sides outside 1...4096.
    public init?(parsing text: String) {
        let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard sides.count == 2, let columns = sides[0], let rows = sides[1], (1...Self.sideLimit).contains(columns),
            (1...Self.sideLimit).contains(rows), "\(columns)x\(rows)" == text
        else { return nil }
        self.init(columns: columns, rows: rows)
    }

    /// `COLUMNSxROWS`.
    public var description: String { "\(columns)x\(rows)" }

    /// The number of location tokens.
    public var count: Int { columns * rows }

    /// The token id of a corner, row-major: `round(y*(ny-1))*nx + round(x*(nx-1))`, halves to even.
    ///
    /// - Parameters:
    ///   - x: 0 at the left edge to 1 at the right; values beyond are clipped.
    ///   - y: 0 at the upper edge to 1 at the lower; values beyond are clipped.
    public func token(x: Double, y: Double) -> Int {
        precondition(!x.isNaN && !y.isNaN, "a corner has numbers")
        let column = (min(max(x, 0), 1) * Double(columns - 1)).rounded(.toNearestOrEven)
        let row = (min(max(y, 0), 1) * Double(rows - 1)).rounded(.toNearestOrEven)
        return Int(row) * columns + Int(column)
    }
}

extension Bins: Codable {
    enum CodingKeys: String, CodingKey { case columns, rows }

    /// Decodes both sides, which must lie in 1...4096.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        columns = try Self.side(.columns, in: container)
        rows = try Self.side(.rows, in: container)
    }

    private static func side(_ key: CodingKeys, in container: KeyedDecodingContainer<CodingKeys>) throws -> Int {
        let side = try container.decode(Int.self, forKey: key)
        guard (1...sideLimit).contains(side) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: container, debugDescription: "1 to \(sideLimit) bins, not \(side)")
        }
        return side
    }
}
