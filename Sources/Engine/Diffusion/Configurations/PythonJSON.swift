// JSON as Python's json module writes it: with NaN and infinities, which JSON has not.

import Foundation

/// Decodes what Python wrote.
enum PythonJSON {
    /// Numbers that Python writes and JSON has not; each begins in another way.
    private static let literals = ["-Infinity", "Infinity", "NaN"].map { Array($0.utf8) }

    /// Decodes strict JSON in which, outside of strings, `NaN`, `Infinity` and `-Infinity` may stand for numbers.
    ///
    /// Foundation's reader of JSON5 would take them, too, but it ends the process at bytes that are not UTF-8.
    static func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value {
        guard String(validating: data, as: UTF8.self) != nil else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "the text is not UTF-8"))
        }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return try decoder.decode(type, from: quotingLiterals(Array(data)))
    }

    /// The same text with those literals as strings.
    private static func quotingLiterals(_ text: [UInt8]) -> Data {
        var result: [UInt8] = []
        result.reserveCapacity(text.count + 16)
        var isInString = false
        var index = 0
        while index < text.count {
            let byte = text[index]
            if isInString, byte == UInt8(ascii: "\\"), index + 1 < text.count {
                result += text[index...index + 1]
                index += 2
            } else if !isInString, let literal = literals.first(where: { text[index...].starts(with: $0) }) {
                result += [UInt8(ascii: "\"")] + literal + [UInt8(ascii: "\"")]
                index += literal.count
            } else {
                if byte == UInt8(ascii: "\"") { isInString.toggle() }
                result.append(byte)
                index += 1
            }
        }
        return Data(result)
    }
}
