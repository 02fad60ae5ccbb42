// Which Swift types are which PostgreSQL types.

extension FixedWidthInteger where Self: PostgresBindable {
    /// Network byte order.
    public func encode(into buffer: inout [UInt8]) -> Bool {
        buffer.append(bigEndian: self)
        return true
    }
}

extension PostgresArrayElement where Self: PostgresBindable {
    /// A one-dimensional array.
    public static func encode(array: [Self], into buffer: inout [UInt8]) { buffer.append(array: array) }
}

extension Int: PostgresBindable, PostgresArrayElement {
    /// int8.
    public static var postgresType: UInt32 { TypeOID.int8 }
    /// int8[].
    public static var postgresArrayType: UInt32 { TypeOID.int8Array }
}

extension Int64: PostgresBindable, PostgresArrayElement {
    /// int8.
    public static var postgresType: UInt32 { TypeOID.int8 }
    /// int8[].
    public static var postgresArrayType: UInt32 { TypeOID.int8Array }
}

extension Int32: PostgresBindable, PostgresArrayElement {
    /// int4.
    public static var postgresType: UInt32 { TypeOID.int4 }
    /// int4[].
    public static var postgresArrayType: UInt32 { TypeOID.int4Array }
}

extension Int16: PostgresBindable, PostgresArrayElement {
    /// int2.
    public static var postgresType: UInt32 { TypeOID.int2 }
    /// int2[].
    public static var postgresArrayType: UInt32 { TypeOID.int2Array }
}

extension Double: PostgresBindable, PostgresArrayElement {
    /// float8.
    public static var postgresType: UInt32 { TypeOID.float8 }
    /// float8[].
    public static var postgresArrayType: UInt32 { TypeOID.float8Array }
    /// The bits in network byte order.
    public func encode(into buffer: inout [UInt8]) -> Bool {
        buffer.append(bigEndian: bitPattern)
        return true
    }
}

extension Float: PostgresBindable, PostgresArrayElement {
    /// float4.
    public static var postgresType: UInt32 { TypeOID.float4 }
    /// float4[].
    public static var postgresArrayType: UInt32 { TypeOID.float4Array }
    /// The bits in network byte order.
    public func encode(into buffer: inout [UInt8]) -> Bool {
        buffer.append(bigEndian: bitPattern)
        return true
    }
}

extension Bool: PostgresBindable, PostgresArrayElement {
    /// bool.
    public static var postgresType: UInt32 { TypeOID.bool }
    /// bool[].
    public static var postgresArrayType: UInt32 { TypeOID.boolArray }
    /// One byte.
    public func encode(into buffer: inout [UInt8]) -> Bool {
        buffer.append(self ? 1 : 0)
        return true
    }
}

extension String: PostgresBindable, PostgresArrayElement {
    /// text.
    public static var postgresType: UInt32 { TypeOID.text }
    /// text[].
    public static var postgresArrayType: UInt32 { TypeOID.textArray }
    /// UTF-8.
    public func encode(into buffer: inout [UInt8]) -> Bool {
        buffer.append(contentsOf: utf8)
        return true
    }
}

extension UInt8: PostgresArrayElement {
    /// bytea: an array of bytes is a string of bytes.
    public static var postgresArrayType: UInt32 { TypeOID.bytea }
    /// The bytes themselves.
    public static func encode(array: [UInt8], into buffer: inout [UInt8]) { buffer.append(contentsOf: array) }
}

extension Array: PostgresBindable where Element: PostgresArrayElement {
    /// The array's type; bytea for bytes.
    public static var postgresType: UInt32 { Element.postgresArrayType }
    /// A one-dimensional array; bytes as they are.
    public func encode(into buffer: inout [UInt8]) -> Bool {
        Element.encode(array: self, into: &buffer)
        return true
    }
}

extension Array: PostgresArrayElement where Element == UInt8 {
    /// bytea[].
    public static var postgresArrayType: UInt32 { TypeOID.byteaArray }
}

extension Optional: PostgresBindable where Wrapped: PostgresBindable {
    /// The wrapped type.
    public static var postgresType: UInt32 { Wrapped.postgresType }
    /// NULL for `nil`.
    public func encode(into buffer: inout [UInt8]) -> Bool { self?.encode(into: &buffer) ?? false }
}

extension Optional: PostgresArrayElement where Wrapped: PostgresArrayElement & PostgresBindable {
    /// Arrays of the wrapped type.
    public static var postgresArrayType: UInt32 { Wrapped.postgresArrayType }
}
