// Finding a key that a JSON object has twice: decoders take one of the two values in silence.

import Foundation

/// The walk over a JSON text that its parser has already found well-formed.
enum RepeatedKey {
    /// An object or array that is open at the walk's place.
    private struct Container {
        let isObject: Bool
        var keys: Set<String> = []
        var lastKey: String?
        var expectsKey: Bool
    }

    /// The first repeated key, with those of the objects around it before it, joined by points; `nil` for none.
    static func first(in data: Data) -> String? {
        let text = [UInt8](data)
        var open: [Container] = []
        var position = 0
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: "{"): open.append(Container(isObject: true, expectsKey: true))
            case UInt8(ascii: "["): open.append(Container(isObject: false, expectsKey: false))
            case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = open.popLast()
            case UInt8(ascii: ","): if let last = open.indices.last { open[last].expectsKey = open[last].isObject }
            case UInt8(ascii: "\""):
                let end = endOfString(in: text, from: position)
                if let last = open.indices.last, open[last].expectsKey, let key = decoded(text[position..<end]) {
                    open[last].expectsKey = false
                    open[last].lastKey = key
                    guard open[last].keys.insert(key).inserted else {
                        return open.compactMap(\.lastKey).joined(separator: ".")
                    }
                }
                position = end - 1
            default: break
            }
            position += 1
        }
        return nil
    }

    /// The index after the closing quote of the string that begins at `start`.
    private static func endOfString(in text: [UInt8], from start: Int) -> Int {
        var position = start + 1
        while position < text.count, text[position] != UInt8(ascii: "\"") {
            position += text[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(position + 1, text.count)
    }

    /// Two spellings of one key, by escapes, are one key. `nil` for what is no string: the text was not UTF-8, and
    /// the decoder says so.
    private static func decoded(_ quoted: ArraySlice<UInt8>) -> String? {
        try? JSONDecoder().decode(String.self, from: Data(quoted))
    }
}
