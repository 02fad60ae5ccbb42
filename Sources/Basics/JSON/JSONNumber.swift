// JSON number text to values, without a String on the usual path.

/// Reads the text of a JSON number that the parser has already found well-formed.
public enum JSONNumber {
    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20,
        1e21, 1e22,
    ]

    /// The double nearest to the number; infinite when it is out of range.
    ///
    /// Exact: a mantissa below 2^53 over (or times) a power of ten up to 10^22 is one correctly rounded operation
    /// (Clinger 1990); everything else goes through the standard library's parser.
    public static func double(_ text: UnsafeBufferPointer<UInt8>) -> Double {
        var mantissa: UInt64 = 0
        var digits = 0
        var fractionDigits = 0
        var inFraction = false
        var isNegative = false
        for position in 0..<text.count {
            let byte = unsafe text[position]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                mantissa = mantissa &* 10 &+ UInt64(byte &- UInt8(ascii: "0"))
                digits += 1
                if inFraction { fractionDigits += 1 }
            case UInt8(ascii: "."): inFraction = true
            case UInt8(ascii: "-"): isNegative = true
            default: return unsafe slowDouble(text)
            }
        }
        guard digits <= 19, mantissa < 1 << 53, fractionDigits < powersOfTen.count else {
            return unsafe slowDouble(text)
        }
        let value = Double(mantissa) / powersOfTen[fractionDigits]
        return isNegative ? -value : value
    }

    /// The whole number, also when it is written like `5.0`; `nil` for a fraction or beyond Int64.
    public static func integer(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
        // Collected below zero, where there is room for one number more.
        var value = 0
        var isNegative = false
        for position in 0..<text.count {
            let byte = unsafe text[position]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let (product, overflows) = value.multipliedReportingOverflow(by: 10)
                let (difference, underflows) = product.subtractingReportingOverflow(Int(byte &- UInt8(ascii: "0")))
                if overflows || underflows { return nil }
                value = difference
            case UInt8(ascii: "-"): isNegative = true
            default:
                // Beyond 2^53 a double may not be the number that is written.
                let number = unsafe double(text)
                return abs(number) <= 0x1p53 ? Int(exactly: number) : nil
            }
        }
        if isNegative { return value }
        return value == Int.min ? nil : -value
    }

    private static func slowDouble(_ text: UnsafeBufferPointer<UInt8>) -> Double {
        let string = unsafe String(decoding: text, as: UTF8.self)
        guard let value = Double(string) else { preconditionFailure("the JSON parser let a malformed number through") }
        return value
    }
}
