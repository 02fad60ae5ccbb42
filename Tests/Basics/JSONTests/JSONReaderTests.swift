// What a JSON text may be, and what is said of one that is none.

import JSON
import Testing

@Suite struct JSONReaderTests {
    private func read(_ text: String, python: Bool = false) throws(JSONFault) -> JSONValue {
        try JSONReader<JSONFault>(Array(text.utf8), path: "a.json", takesPythonNumbers: python).document()
    }

    private func refusal(of text: String, python: Bool = false) -> JSONFault? {
        do {
            _ = try read(text, python: python)
            return nil
        } catch {
            return error
        }
    }

    @Test func aWholeTextIsRead() throws {
        let text = #" {"a": [1, -2.5e1, true, false, null, {}, []], "bA\n\\\/": "\u00e9\ud83d\ude00 ü", "": 0}"#
        let expected: JSONValue = .object([
            "a": .list([.number(1), .number(-25), .flag(true), .flag(false), .null, .object([:]), .list([])]),
            "bA\n\\/": .text("é😀 ü"), "": .number(0),
        ])
        #expect(try read(text) == expected)
        #expect(try read("\u{FEFF}[]\r\n") == .list([]), "a byte order mark is no value")
    }

    @Test(arguments: [
        ("", 0, "a JSON value", "its end"), ("{", 1, "a name in double quotes", "its end"),
        ("[1 2]", 3, "',' or ']'", "'2]'"), ("{\"a\" 1}", 5, "':'", "'1}'"),
        ("{\"a\":1,}", 7, "a name in double", "'}'"),
        ("[1,]", 3, "a JSON value", "']'"), ("[] x", 3, "nothing after the JSON value", "'x'"),
        ("[01]", 1, "a number", "'01]'"), ("[1.]", 1, "a number", "'1.]'"), ("[.5]", 1, "a JSON value", "'.5]'"),
        ("[+1]", 1, "a JSON value", "'+1]'"), ("[1e]", 1, "a number", "'1e]'"), ("[-]", 1, "a number", "'-]'"),
        ("[0x10]", 1, "a number", "'0x10]'"), ("[nul]", 1, "null", "'nul]'"),
        ("[trues]", 1, "true or false", "'trues]'"),
        ("[NaN]", 1, "a JSON value", "'NaN]'"), ("[Infinity]", 1, "a JSON value", "'Infinity]'"),
        ("[-Infinity]", 1, "a number", "'-Infinity]'"), ("\"a\u{1}\"", 2, "text without control characters", "'?\"'"),
        ("\"ab", 3, "'\"' at the end of the text", "its end"), (#""\x""#, 1, "an escape of JSON", #"'\x"'"#),
        (#""\u12""#, 1, "'\\u' and four digits", #"'\u12"'"#),
        (#""\ud800""#, 7, "'\\u' and four digits", "'\"'"),
        (#""\udc00\ud800""#, 13, "a whole surrogate pair before this", "'\"'"),
    ])
    func whatIsNoJSONIsRefusedWithItsPlace(text: String, byte: Int, expected: String, found: String) throws {
        let fault = try #require(refusal(of: text))
        #expect(fault.byte == byte && fault.expected.hasPrefix(expected) && fault.found == found, "\(fault.reason)")
        #expect(fault.path == "a.json")
    }

    @Test func bytesThatAreNoTextAreRefused() throws {
        let error = #expect(throws: JSONFault.self) {
            try JSONReader<JSONFault>([0x22, 0xFF, 0x22]).document()
        }
        #expect(error?.expected == "text in UTF-8 before this")
    }

    @Test func pythonsNumbersAreReadWhereTheyAreTaken() throws {
        let text = #"{"a": -Infinity, "b": [Infinity, NaN, 1], "c": "x NaN \" -Infinity"}"#
        let value = try read(text, python: true)
        #expect(value["a"] == .number(-.infinity) && value["c"] == .text(#"x NaN " -Infinity"#))
        #expect(value["b"]?.list?[0] == .number(.infinity) && value["b"]?.list?[1].double?.isNaN == true)
        #expect(value.description == #"{"a": -Infinity, "b": [Infinity, NaN, 1], "c": "x NaN \" -Infinity"}"#)
        #expect(refusal(of: "[NaNs]", python: true)?.expected == "a number")
    }

    @Test func nestingIsLimited() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(refusal(of: nested(64)) == nil)
        #expect(refusal(of: nested(65))?.expected == "at most 64 nested values")
        var reader = JSONReader<JSONFault>(Array(String(repeating: "[", count: 100_000).utf8))
        #expect(throws: JSONFault.self) { try reader.skip() }
    }

    /// Two spellings of one key, by escapes, are one key.
    @Test func aRepeatedKeyIsRefusedWithItsPath() throws {
        let fault = try #require(refusal(of: #"{"a": [{"b": 1, "\u0062": 2}]}"#))
        #expect(fault.repeatedKey == "a.b")
        #expect(fault.reason.hasPrefix("byte 25: expected each key once, found 'a.b' again"))
        let last = try JSONReader<JSONFault>(Array(#"{"a": 1, "a": 2}"#.utf8)).document(.lastCounts)
        #expect(last == .object(["a": .number(2)]))
    }

    @Test(arguments: [
        ("-1", "an integer from 0 up"), ("2.0", "an integer from 0 up"), ("1e3", "an integer from 0 up"),
        ("02", "an integer from 0 up"), ("9223372036854775808", "an integer below 2^63"),
        ("\"1\"", "an integer from 0 up"),
    ])
    func countsAreWholeNumbersFromZero(text: String, expected: String) throws {
        var reader = JSONReader<JSONFault>(Array(text.utf8))
        let error = #expect(throws: JSONFault.self) { try reader.count() }
        #expect(error?.expected == expected && error?.byte == 0)
    }

    @Test func integersAreExactToTheEnds() throws {
        var reader = JSONReader<JSONFault>(Array("[9223372036854775807, -9223372036854775808, 0, -0]".utf8))
        var found: [Int] = []
        try reader.elements { (reader) throws(JSONFault) in found.append(try reader.integer()) }
        #expect(found == [.max, .min, 0, 0])
    }

    @Test func valuesAreWrittenAsTheyAreRead() throws {
        let value: JSONValue = .object([
            "b": .list([.number(1e300), .number(-0x1p63), .number(0.5)]), "a": .text("\u{1}\"\\é"), "c": .null,
        ])
        #expect(value.description == #"{"a": "\u0001\"\\é", "b": [1e+300, -9.223372036854776e+18, 0.5], "c": null}"#)
        #expect(try read(value.description) == value)
    }
}
