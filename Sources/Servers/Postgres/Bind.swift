// Values on their way to PostgreSQL: binary format, so that nothing is quoted and nothing is cut at a zero byte.

/// A value that can stand in an interpolated ``SQL`` or in a row of COPY.
///
/// The type is sent with the value, so statements need no casts: `Int` and `Int64` are int8, `Int32` int4, `Int16`
/// int2, `Double` float8, `Float` float4, `Bool` bool, `String` text, `[UInt8]` bytea; arrays of these and of their
/// optionals are PostgreSQL arrays.
public protocol PostgresBindable: Sendable {
    /// The OID of the PostgreSQL type.
    static var postgresType: UInt32 { get }
    /// Appends the value in PostgreSQL's binary format; returns false, having appended nothing, for NULL.
    func encode(into buffer: inout [UInt8]) -> Bool
}

/// A value that can be an element of a bound array.
public protocol PostgresArrayElement: Sendable {
    /// The OID of the type of arrays of this element.
    static var postgresArrayType: UInt32 { get }
    /// Appends a whole array in PostgreSQL's binary format.
    static func encode(array: [Self], into buffer: inout [UInt8])
}

/// One parameter of a statement.
struct Bind: Sendable, Hashable {
    var type: UInt32
    /// `nil` for NULL.
    var bytes: [UInt8]?

    init<Value: PostgresBindable>(_ value: Value) {
        var buffer: [UInt8] = []
        let isPresent = value.encode(into: &buffer)
        type = Value.postgresType
        bytes = isPresent ? buffer : nil
    }
}

/// The OIDs of pg_type.dat that this module knows.
enum TypeOID {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let name: UInt32 = 19
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let json: UInt32 = 114
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let bpchar: UInt32 = 1042
    static let varchar: UInt32 = 1043
    static let boolArray: UInt32 = 1000
    static let byteaArray: UInt32 = 1001
    static let int2Array: UInt32 = 1005
    static let int4Array: UInt32 = 1007
    static let textArray: UInt32 = 1009
    static let int8Array: UInt32 = 1016
    static let float4Array: UInt32 = 1021
    static let float8Array: UInt32 = 1022

    static let names: [UInt32: String] = [
        bool: "bool", bytea: "bytea", name: "name", int8: "int8", int2: "int2", int4: "int4", text: "text",
        json: "json", float4: "float4", float8: "float8", bpchar: "char", varchar: "varchar", boolArray: "bool[]",
        byteaArray: "bytea[]", int2Array: "int2[]", int4Array: "int4[]", textArray: "text[]", int8Array: "int8[]",
        float4Array: "float4[]", float8Array: "float8[]", 1082: "date", 1114: "timestamp", 1184: "timestamptz",
        1186: "interval", 1700: "numeric", 2950: "uuid", 3802: "jsonb",
    ]

    /// The type's name for messages.
    static func description(_ type: UInt32) -> String { names[type] ?? "type with OID \(type)" }
}

extension [UInt8] {
    /// Appends an integer in network byte order.
    mutating func append(bigEndian value: some FixedWidthInteger) {
        var shift = value.bitWidth
        while shift > 0 {
            shift -= 8
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// Overwrites four bytes at `offset` with an integer in network byte order.
    mutating func overwrite(bigEndian value: Int32, at offset: Int) {
        for index in 0..<4 { self[offset + index] = UInt8(truncatingIfNeeded: value >> (24 - 8 * index)) }
    }

    /// Appends `value` with its length before it, or the length -1 for NULL.
    /// - Returns: false for NULL.
    @discardableResult
    mutating func append(lengthAndValue value: some PostgresBindable) -> Bool {
        let start = count
        append(bigEndian: Int32(-1))
        guard value.encode(into: &self) else { return false }
        overwrite(bigEndian: Int32(count - start - 4), at: start)
        return true
    }

    /// Appends a one-dimensional array: dimensions, whether NULLs occur, element type, length, lower bound, elements.
    mutating func append<Item: PostgresBindable>(array: [Item]) {
        append(bigEndian: Int32(array.isEmpty ? 0 : 1))
        let flag = count
        append(bigEndian: Int32(0))
        append(bigEndian: Item.postgresType)
        guard !array.isEmpty else { return }
        append(bigEndian: Int32(array.count))
        append(bigEndian: Int32(1))
        for element in array where !append(lengthAndValue: element) { overwrite(bigEndian: 1, at: flag) }
    }
}
