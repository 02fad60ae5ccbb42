// JSON whose form is not known beforehand: configurations, policies, what the management interface tells.

import ErrorLines

/// Any JSON value.
public enum JSONValue: Hashable, Sendable {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])

    /// The member of an object; nil for anything else.
    public subscript(key: String) -> JSONValue? { object?[key] }

    /// The members of an object.
    public var object: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }
    /// The elements of a list.
    public var list: [JSONValue]? { if case .list(let value) = self { value } else { nil } }
    /// A string.
    public var string: String? { if case .text(let value) = self { value } else { nil } }
    /// A number.
    public var double: Double? { if case .number(let value) = self { value } else { nil } }
    /// A number that is whole and fits an Int.
    public var integer: Int? { if case .number(let value) = self { Int(exactly: value) } else { nil } }
    /// `true` or `false`.
    public var flag: Bool? { if case .flag(let value) = self { value } else { nil } }

    /// For messages: a string without its quotes, anything else as ``description`` gives it.
    public var plain: String { string ?? description }
}

extension JSONValue: CustomStringConvertible {
    /// JSON on one line, keys sorted; numbers that JSON has not as Python writes them.
    public var description: String {
        var text = JSONText()
        append(to: &text)
        return String(decoding: text.bytes, as: UTF8.self)
    }

    private func append(to text: inout JSONText) {
        switch self {
        case .null: text.append("null")
        case .flag(let value): text.append("\(value)")
        case .number(let value) where value.isFinite: text.append(number: value)
        case .number(let value): text.append(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
        case .text(let value): text.append(quoted: value)
        case .list(let values):
            text.append("[")
            for (index, value) in values.enumerated() {
                if index > 0 { text.append(", ") }
                value.append(to: &text)
            }
            text.append("]")
        case .object(let members):
            text.append("{")
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { text.append(", ") }
                text.append(quoted: member.key)
                text.append(": ")
                member.value.append(to: &text)
            }
            text.append("}")
        }
    }
}

/// What becomes of an object that has a key twice.
public enum RepeatedKeys: Sendable {
    /// It is refused: one of the two values would be ignored in silence.
    case refused
    /// The last value counts, as most readers have it: for what another program wrote and nobody here can mend.
    case lastCounts
}

extension JSONReader {
    /// The only value of the text, whole; a byte order mark before it is passed over.
    public consuming func document(_ repeatedKeys: RepeatedKeys = .refused) throws(Failure) -> JSONValue {
        var reader = self
        if reader.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { reader.position = 3 }
        let value = try reader.value(repeatedKeys)
        try reader.finish()
        return value
    }

    /// The next value, whole.
    public mutating func value(_ repeatedKeys: RepeatedKeys = .refused) throws(Failure) -> JSONValue {
        try value(repeatedKeys, within: [])
    }

    private mutating func value(_ repeatedKeys: RepeatedKeys, within keys: [String]) throws(Failure) -> JSONValue {
        switch try kind() {
        case .null:
            try null()
            return .null
        case .flag: return .flag(try flag())
        case .number: return .number(try number())
        case .text: return .text(try text())
        case .list:
            var list: [JSONValue] = []
            try elements { (reader) throws(Failure) in list.append(try reader.value(repeatedKeys, within: keys)) }
            return .list(list)
        case .object:
            var object: [String: JSONValue] = [:]
            try members { (reader, key) throws(Failure) in
                if object[key] != nil, repeatedKeys == .refused { throw reader.repetition(of: keys + [key]) }
                object[key] = try reader.value(repeatedKeys, within: keys + [key])
            }
            return .object(object)
        }
    }

    private func repetition(of keys: [String]) -> Failure {
        let key = keys.joined(separator: ".")
        var fault = fault("each key once")
        fault.found = "\(ErrorLine.quoted(key)) again before this"
        fault.repeatedKey = key
        return Failure(fault)
    }
}
