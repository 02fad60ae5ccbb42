// Values on their way from PostgreSQL, which sends every type as text.

/// One value of a result that is not NULL.
public struct Cell: Sendable {
    /// The value in PostgreSQL's text format, UTF-8.
    public let bytes: ArraySlice<UInt8>
    /// The OID of its type.
    public let type: UInt32
}

/// A type that a column can be read as.
public protocol PostgresDecodable: Sendable {
    /// What the type expects, for messages: "an integer".
    static var postgresExpectation: String { get }
    /// What NULL is read as; `nil` where NULL is an error.
    static var fromNull: Self? { get }
    /// Reads a value; `nil` when it is not of this type.
    init?(cell: Cell)
}

extension PostgresDecodable {
    /// NULL is an error.
    public static var fromNull: Self? { nil }
}

extension FixedWidthInteger where Self: PostgresDecodable {
    /// Names the width.
    public static var postgresExpectation: String { "an integer of \(bitWidth) bits" }
    /// Reads decimal digits of any column type.
    public init?(cell: Cell) {
        guard let value = Self(String(decoding: cell.bytes, as: UTF8.self)) else { return nil }
        self = value
    }
}

extension Int: PostgresDecodable {}
extension Int64: PostgresDecodable {}
extension Int32: PostgresDecodable {}
extension Int16: PostgresDecodable {}

extension Double: PostgresDecodable {
    /// For messages.
    public static var postgresExpectation: String { "a number" }
    /// Reads any number, `NaN` and `Infinity` included.
    public init?(cell: Cell) { self.init(String(decoding: cell.bytes, as: UTF8.self)) }
}

extension Bool: PostgresDecodable {
    /// For messages.
    public static var postgresExpectation: String { "a bool" }
    /// Reads a column of type bool.
    public init?(cell: Cell) {
        guard cell.type == TypeOID.bool else { return nil }
        self = cell.bytes.first == UInt8(ascii: "t")
    }
}

extension String: PostgresDecodable {
    /// For messages.
    public static var postgresExpectation: String { "a value" }
    /// Takes any type's text.
    public init?(cell: Cell) { self.init(decoding: cell.bytes, as: UTF8.self) }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    /// The wrapped type's.
    public static var postgresExpectation: String { Wrapped.postgresExpectation + " or NULL" }
    /// `nil`, as a value.
    public static var fromNull: Wrapped?? { .some(.none) }
    /// Reads the wrapped type.
    public init?(cell: Cell) {
        guard let value = Wrapped(cell: cell) else { return nil }
        self = .some(value)
    }
}

/// A value that can be an element of an array that is read.
public protocol PostgresArrayDecodable: Sendable {
    /// What an array of it expects, for messages.
    static var postgresArrayExpectation: String { get }
    /// Reads a whole array; `nil` when it is not one of this type.
    static func decode(array cell: Cell) -> [Self]?
}

extension PostgresArrayDecodable where Self: PostgresDecodable {
    /// Names the element.
    public static var postgresArrayExpectation: String {
        "a one-dimensional array of elements each \(postgresExpectation)"
    }
    /// Reads a one-dimensional array.
    public static func decode(array cell: Cell) -> [Self]? {
        guard let elements = ArrayLiteral.elements(of: cell.bytes) else { return nil }
        var values: [Self] = []
        values.reserveCapacity(elements.count)
        for element in elements {
            let elementType = ArrayLiteral.elementTypes[cell.type] ?? TypeOID.text
            let value = element.map { Self(cell: Cell(bytes: $0[...], type: elementType)) } ?? fromNull
            guard let value else { return nil }
            values.append(value)
        }
        return values
    }
}

extension Int: PostgresArrayDecodable {}
extension Int64: PostgresArrayDecodable {}
extension Int32: PostgresArrayDecodable {}
extension Double: PostgresArrayDecodable {}
extension Bool: PostgresArrayDecodable {}
extension String: PostgresArrayDecodable {}
extension Optional: PostgresArrayDecodable where Wrapped: PostgresDecodable {}
extension Array: PostgresArrayDecodable where Element == UInt8 {}

extension UInt8: PostgresArrayDecodable {
    /// An array of bytes is a string of bytes.
    public static var postgresArrayExpectation: String { "a bytea" }
    /// Reads the hexadecimal form of a bytea.
    public static func decode(array cell: Cell) -> [UInt8]? {
        guard cell.type == TypeOID.bytea, cell.bytes.starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "x")]) else {
            return nil
        }
        let digits = cell.bytes.dropFirst(2)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for position in stride(from: digits.startIndex, to: digits.endIndex, by: 2) {
            guard let high = hexadecimal(digits[position]), let low = hexadecimal(digits[position + 1]) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func hexadecimal(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

extension Array: PostgresDecodable where Element: PostgresArrayDecodable {
    /// Names the element.
    public static var postgresExpectation: String { Element.postgresArrayExpectation }
    /// Reads a one-dimensional array; bytes from a bytea.
    public init?(cell: Cell) {
        guard let elements = Element.decode(array: cell) else { return nil }
        self = elements
    }
}
