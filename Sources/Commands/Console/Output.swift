// What people and programs read on standard output.

import ErrorLines
import Foundation

/// Writes records for programs: one JSON object per line, keys sorted.
public struct JSONLines {
    private let encoder: JSONEncoder

    /// Writes to standard output.
    public init() {
        encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    }

    /// Writes one record; what a terminal would obey is escaped, so a program reads what was there.
    public func write(_ record: some Encodable) throws {
        tell(PrintableText.json(String(decoding: try encoder.encode(record), as: UTF8.self)))
    }
}

/// A table for people: columns as wide as their widest cell, numbers to the right.
///
/// A long one is taken in parts: each goes on below the one before, with columns at least as wide.
public struct Table {
    private let header: [String]
    private var rows: [[String]] = []
    private var widths: [Int]
    /// Whether a part was taken, and the header with it.
    public private(set) var isBegun = false

    /// Begins a table.
    public init(_ header: String...) {
        self.header = header
        widths = header.map(\.count)
    }

    /// Adds a row with as many cells as the header has. A cell is one line, whatever it holds.
    public mutating func append(_ cells: String...) {
        precondition(cells.count == header.count, "a row has as many cells as the header")
        rows.append(cells.map(PrintableText.line))
    }

    /// The table's lines, without a newline at the end.
    public var text: String {
        var table = self
        return table.takeText()
    }

    /// The lines of the rows added since the last call, the first time below the header; without a newline at the end.
    public mutating func takeText() -> String {
        widths = header.indices.map { column in max(widths[column], rows.map { $0[column].count }.max() ?? 0) }
        let isNumeric = header.indices.map { column in
            !rows.isEmpty && rows.allSatisfy { $0[column].allSatisfy { "0123456789.,%-".contains($0) } }
        }
        let lines = (isBegun ? [] : [header]) + rows
        isBegun = true
        rows = []
        return lines.map { row in
            row.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                if isNumeric[column] { return padding + row[column] }
                return row[column] + padding
            }.joined(separator: "  ").trimmingSuffix(" ")
        }.joined(separator: "\n")
    }
}

extension String {
    /// The text without the `character`s at its end.
    fileprivate func trimmingSuffix(_ character: Character) -> String {
        String(reversed().drop { $0 == character }.reversed())
    }
}

/// Numbers as people read them.
public enum Format {
    /// `47,429`.
    public static func count(_ value: Int) -> String {
        var digits = String(value.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (value < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }

    /// `1.4 GB`, decimal units.
    public static func bytes(_ value: Int) -> String {
        let units = ["B", "kB", "MB", "GB", "TB", "PB"]
        var amount = Double(value)
        var unit = 0
        while amount >= 999.5, unit < units.count - 1 {
            amount /= 1000
            unit += 1
        }
        if unit == 0 { return "\(value) B" }
        return amount < 9.95
            ? "\((amount * 10).rounded() / 10) \(units[unit])" : "\(Int(amount.rounded())) \(units[unit])"
    }

    /// `3 h 12 min`, `41 s`.
    public static func duration(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        if whole >= 86_400 { return "\(whole / 86_400) d \(whole % 86_400 / 3600) h" }
        if whole >= 3600 { return "\(whole / 3600) h \(whole % 3600 / 60) min" }
        return whole >= 60 ? "\(whole / 60) min \(whole % 60) s" : "\(whole) s"
    }
}
