// Rows of a result, and their values by column name.

/// One row of a result.
public struct Row: Sendable {
    let table: ResultTable
    let index: Int

    /// The columns' names in order.
    public var columns: [String] { table.columns.map(\.name) }

    /// Whether the result has a column of this name.
    public func has(_ column: String) -> Bool { table.positions[column] != nil }

    /// The value of a column; take an optional type where NULL may occur.
    public subscript<Value: PostgresDecodable>(column: String, as type: Value.Type) -> Value {
        get throws(PostgresError) {
            guard let position = table.positions[column] else {
                throw PostgresError(
                    .decoding,
                    "PostgreSQL result: expected a column '\(column)', found \(columns.joined(separator: ", "))")
            }
            return try self[position, as: type]
        }
    }

    /// The value of a column by its position from 0; the first of two columns with one name is found by name.
    public subscript<Value: PostgresDecodable>(position: Int, as type: Value.Type) -> Value {
        get throws(PostgresError) {
            precondition(table.columns.indices.contains(position), "the result has \(table.columns.count) columns")
            guard let cell = table.cell(row: index, column: position) else {
                if let value = Value.fromNull { return value }
                throw failure(position, expected: Value.postgresExpectation, found: "NULL")
            }
            guard let value = Value(cell: cell) else {
                let shown = String(decoding: cell.bytes.prefix(40), as: UTF8.self)
                throw failure(
                    position, expected: Value.postgresExpectation,
                    found: "'\(shown)' of type \(TypeOID.description(cell.type))")
            }
            return value
        }
    }

    private func failure(_ position: Int, expected: String, found: String) -> PostgresError {
        PostgresError(
            .decoding,
            "PostgreSQL result: column '\(table.columns[position].name)': expected \(expected), found \(found)")
    }
}

extension Row {
    /// An integer of any width.
    public func int(_ column: String) throws(PostgresError) -> Int { try self[column, as: Int.self] }
    /// An integer, or `nil` for NULL.
    public func optionalInt(_ column: String) throws(PostgresError) -> Int? { try self[column, as: Int?.self] }
    /// An integer as `Int64`.
    public func int64(_ column: String) throws(PostgresError) -> Int64 { try self[column, as: Int64.self] }
    /// An integer as `Int64`, or `nil` for NULL.
    public func optionalInt64(_ column: String) throws(PostgresError) -> Int64? { try self[column, as: Int64?.self] }
    /// A value of any type as PostgreSQL writes it.
    public func string(_ column: String) throws(PostgresError) -> String { try self[column, as: String.self] }
    /// A value of any type as PostgreSQL writes it, or `nil` for NULL.
    public func optionalString(_ column: String) throws(PostgresError) -> String? {
        try self[column, as: String?.self]
    }
    /// A `bytea`.
    public func bytes(_ column: String) throws(PostgresError) -> [UInt8] { try self[column, as: [UInt8].self] }
    /// A `bytea`, or `nil` for NULL.
    public func optionalBytes(_ column: String) throws(PostgresError) -> [UInt8]? {
        try self[column, as: [UInt8]?.self]
    }
    /// A `bool`.
    public func bool(_ column: String) throws(PostgresError) -> Bool { try self[column, as: Bool.self] }
    /// A `bool`, or `nil` for NULL.
    public func optionalBool(_ column: String) throws(PostgresError) -> Bool? { try self[column, as: Bool?.self] }
    /// A number.
    public func double(_ column: String) throws(PostgresError) -> Double { try self[column, as: Double.self] }
    /// A number, or `nil` for NULL.
    public func optionalDouble(_ column: String) throws(PostgresError) -> Double? {
        try self[column, as: Double?.self]
    }
}

/// All rows of a result in one run of bytes; the rows are positions in it.
final class ResultTable: Sendable {
    struct Column: Sendable {
        var name: String
        var type: UInt32
    }

    let columns: [Column]
    /// Where each name occurs first.
    let positions: [String: Int]
    let rowCount: Int
    private let bytes: [UInt8]
    /// Row-major; a range of `bytes`, or `nil` for NULL.
    private let ranges: [Range<Int>?]

    init(columns: [Column], positions: [String: Int], rowCount: Int, bytes: [UInt8], ranges: [Range<Int>?]) {
        self.columns = columns
        self.positions = positions
        self.rowCount = rowCount
        self.bytes = bytes
        self.ranges = ranges
    }

    var rows: [Row] { (0..<rowCount).map { Row(table: self, index: $0) } }

    func cell(row: Int, column: Int) -> Cell? {
        ranges[row * columns.count + column].map { Cell(bytes: bytes[$0], type: columns[column].type) }
    }
}
