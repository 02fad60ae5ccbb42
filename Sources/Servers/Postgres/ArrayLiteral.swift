// PostgreSQL's text form of an array: {1,NULL,"quoted \"text\""}.

/// Reads one-dimensional array literals (PostgreSQL documentation, "Arrays", section "Array Input and Output Syntax").
enum ArrayLiteral {
    /// Which element an array type has.
    static let elementTypes: [UInt32: UInt32] = [
        TypeOID.boolArray: TypeOID.bool, TypeOID.byteaArray: TypeOID.bytea, TypeOID.int2Array: TypeOID.int2,
        TypeOID.int4Array: TypeOID.int4, TypeOID.textArray: TypeOID.text, TypeOID.int8Array: TypeOID.int8,
        TypeOID.float4Array: TypeOID.float4, TypeOID.float8Array: TypeOID.float8,
    ]

    /// The elements' texts, `nil` for NULL; `nil` when the literal is not a one-dimensional array.
    static func elements(of literal: ArraySlice<UInt8>) -> [[UInt8]?]? {
        guard literal.first == UInt8(ascii: "{"), literal.last == UInt8(ascii: "}"), literal.count >= 2 else {
            return nil
        }
        let inner = literal.dropFirst().dropLast()
        guard !inner.isEmpty else { return [] }
        var reader = Reader(rest: inner)
        var elements: [[UInt8]?] = []
        while true {
            guard let element = reader.element() else { return nil }
            elements.append(element)
            guard let separator = reader.rest.popFirst() else { return elements }
            guard separator == UInt8(ascii: ",") else { return nil }
        }
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        /// The next element; `.some(nil)` for NULL, `nil` for what is not an element.
        mutating func element() -> [UInt8]?? {
            switch rest.first {
            case UInt8(ascii: "{"): return nil
            case UInt8(ascii: "\""):
                rest.removeFirst()
                return quoted().map { .some($0) }
            default:
                let plain = rest.prefix { $0 != UInt8(ascii: ",") }
                rest = rest.dropFirst(plain.count)
                return .some(plain.elementsEqual("NULL".utf8) ? nil : Array(plain))
            }
        }

        private mutating func quoted() -> [UInt8]? {
            var text: [UInt8] = []
            while let character = rest.popFirst() {
                switch character {
                case UInt8(ascii: "\""): return text
                case UInt8(ascii: "\\"):
                    guard let escaped = rest.popFirst() else { return nil }
                    text.append(escaped)
                default: text.append(character)
                }
            }
            return nil
        }
    }
}
