// Numbers of a JSON text.

extension JSONReader {
    /// Any number: the double nearest to it, infinite beyond the range of doubles.
    public mutating func number() throws(Failure) -> Double {
        if let number = pythonNumber() { return number }
        let text = try numberText("a number")
        return unsafe text.withUnsafeBufferPointer { unsafe JSONNumber.double($0) }
    }

    /// A whole number without fraction or exponent that fits an Int.
    public mutating func integer() throws(Failure) -> Int { try integer("an integer") }

    /// The same, not below zero.
    public mutating func count() throws(Failure) -> Int {
        let expected = "an integer from 0 up"
        skipSpace()
        guard position < bytes.count, bytes[position] != UInt8(ascii: "-") else { throw failure(expected) }
        return try integer(expected)
    }

    private mutating func integer(_ expected: String) throws(Failure) -> Int {
        skipSpace()
        let start = position
        let text = try numberText(expected)
        guard text.dropFirst().allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            position = start
            throw failure(expected)
        }
        guard let value = unsafe text.withUnsafeBufferPointer({ unsafe JSONNumber.integer($0) }) else {
            position = start
            throw failure(text.first == UInt8(ascii: "-") ? "an integer from -2^63 up" : "an integer below 2^63")
        }
        return value
    }

    /// Consumes `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
    private mutating func numberText(_ expected: String) throws(Failure) -> ArraySlice<UInt8> {
        skipSpace()
        let start = position
        takes(oneOf: "-", "-")
        let first = position
        let isWhole = takeDigits() > 0 && (bytes[first] != UInt8(ascii: "0") || position == first + 1)
        var isNumber = isWhole
        if takes(oneOf: ".", ".") { isNumber = takeDigits() > 0 && isNumber }
        if takes(oneOf: "e", "E") {
            takes(oneOf: "+", "-")
            isNumber = takeDigits() > 0 && isNumber
        }
        guard isNumber, position == bytes.count || !Self.goesOn(bytes[position]) else {
            position = start
            throw failure(expected)
        }
        return bytes[start..<position]
    }

    @discardableResult
    private mutating func takes(oneOf first: Unicode.Scalar, _ second: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: first) || bytes[position] == UInt8(ascii: second)
        else { return false }
        position += 1
        return true
    }

    /// Consumes digits; returns how many there are.
    private mutating func takeDigits() -> Int {
        let start = position
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            position += 1
        }
        return position - start
    }
}
