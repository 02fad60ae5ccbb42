// The scalar values of records: numbers, strings, booleans, null.

import ErrorLines
import JSON

extension RecordParser {
    /// Takes the text of a number; most are in polygons, which are skipped.
    @inline(__always)
    mutating func number(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        skipsScalar() ? true : unsafe wantedNumber(text)
    }

    @inline(never)
    private mutating func wantedNumber(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        switch state {
        case .box: return unsafe boxNumber(text)
        case .record: return unsafe fieldNumber(text)
        default: return unsafe unexpected("the number \(Self.shown(text))")
        }
    }

    private mutating func boxNumber(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let value = unsafe JSONNumber.double(text)
        guard boxCount < 4 else { return fail("4 numbers [x, y, width, height]", "a fifth") }
        guard value.isFinite else {
            let found = unsafe Self.shown(text)
            return fail("a finite number", found)
        }
        switch boxCount {
        case 0: record.box.x = value
        case 1: record.box.y = value
        case 2: record.box.width = value
        default: record.box.height = value
        }
        boxCount += 1
        return true
    }

    private mutating func fieldNumber(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let kind = sections[section].fields[field].kind
        switch kind {
        case .integer, .side, .flag:
            if let value = unsafe JSONNumber.integer(text), kind.admits(value) {
                record.integers[field] = value
                field = -1
                return true
            }
        case .number, .fraction:
            let value = unsafe JSONNumber.double(text)
            if value.isFinite, kind == .number || RecordField.fractions.contains(value) {
                record.numbers[field] = kind == .number ? value : min(max(value, 0), 1)
                field = -1
                return true
            }
        case .looseText: return skipLoose()
        case .text, .box: break
        }
        let isWhole = unsafe text.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
        }
        let note = kind == .integer && isWhole ? ", beyond 64 bits" : ""
        return unsafe unexpected("the number \(Self.shown(text))\(note)")
    }

    /// Takes the bytes of a string, escapes resolved.
    mutating func string(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        if skipsScalar() { return true }
        guard state == .record, field >= 0, sections[section].fields[field].kind.isText else {
            return unsafe unexpected("the string \"\(Self.shown(bytes))\"")
        }
        let text = unsafe String(decoding: bytes, as: UTF8.self)
        guard RecordField.admits(text) else {
            if sections[section].fields[field].kind == .looseText { return skipLoose() }
            let length = bytes.count > RecordField.longestText ? "\(bytes.count) bytes, " : ""
            return unsafe unexpected("\(length)the string \"\(Self.shown(bytes))\"")
        }
        record.texts[field] = text
        field = -1
        return true
    }

    /// A scalar's text for a message, not more of it than a message shows.
    private static func shown(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        let first = unsafe UnsafeBufferPointer(rebasing: bytes.prefix(200))
        return unsafe ErrorLine.beginning(of: String(decoding: first, as: UTF8.self), limit: 40)
    }

    /// Takes `true` or `false`.
    mutating func boolean(_ value: Bool) -> Bool {
        if skipsScalar() { return true }
        if state == .record, sections[section].fields[field].kind == .flag {
            record.integers[field] = value ? 1 : 0
            field = -1
            return true
        }
        if state == .record, sections[section].fields[field].kind == .looseText { return skipLoose() }
        return unexpected(value ? "true" : "false")
    }

    /// Takes `null`: an optional field that is null is absent, and a box that is null has no extent.
    mutating func null() -> Bool {
        if skipsScalar() { return true }
        guard state == .record, field >= 0 else { return unexpected("null") }
        if sections[section].fields[field].kind == .box {
            record.box = Box(x: 0, y: 0, width: 0, height: 0)
            field = -1
            return true
        }
        return sections[section].fields[field].isRequired ? unexpected("null") : skipLoose()
    }

    /// Takes the present field for absent.
    private mutating func skipLoose() -> Bool {
        record.seen &= ~(1 << UInt32(field))
        field = -1
        return true
    }
}

extension RecordField.Kind {
    /// Whether a whole number is in the kind's range.
    fileprivate func admits(_ value: Int) -> Bool {
        switch self {
        case .side: (1...RecordField.longestSide).contains(value)
        case .flag: value == 0 || value == 1
        default: true
        }
    }
}
