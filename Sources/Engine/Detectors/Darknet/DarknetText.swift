// The text of a darknet .cfg file: sections of options.

import Files
import Foundation

/// One section, such as `[convolutional]`, and its options.
struct DarknetSection: Sendable {
    /// The name in brackets.
    let name: String
    /// The line of the name, from 1.
    let line: Int
    /// The file, for messages.
    let path: String
    private(set) var options: [String: (value: String, line: Int)] = [:]

    /// The most bytes that a .cfg file may have; YOLOv4's has 12 kB.
    static let fileLimit = 4 << 20

    /// Reads a file's sections.
    static func read(path: String) throws(DetectorError) -> [DarknetSection] {
        let bytes: [UInt8]
        do {
            bytes = try RegularFile(path: path, following: true).contents(limit: fileLimit)
        } catch {
            throw DetectorError(.file, "\(error.line); expected a darknet .cfg file")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DetectorError(.content, "\(path): expected a darknet .cfg file, found bytes that are no UTF-8 text")
        }
        return try sections(text, path: path)
    }

    static func sections(_ text: String, path: String) throws(DetectorError) -> [DarknetSection] {
        var sections: [DarknetSection] = []
        for (index, raw) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = raw.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)[0]
                .filter { !$0.isWhitespace }
            if line.isEmpty || line.hasPrefix(";") { continue }
            if line.hasPrefix("["), line.hasSuffix("]") {
                sections.append(DarknetSection(name: String(line.dropFirst().dropLast()), line: index + 1, path: path))
                continue
            }
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !sections.isEmpty else {
                throw DetectorError(
                    .content,
                    "\(path), line \(index + 1): expected [section] or option=value of a darknet .cfg file, found "
                        + "'\(String(line.prefix(40)))'; give the .cfg file that came with the weights")
            }
            sections[sections.count - 1].options[parts[0]] = (parts[1], index + 1)
        }
        return sections
    }

    /// Whether the option is there.
    func has(_ name: String) -> Bool { options[name] != nil }

    /// A whole number in `range`.
    func integer(_ name: String, default preset: Int? = nil, in range: ClosedRange<Int>) throws(DetectorError) -> Int {
        let found = try value(name, preset: preset.map(String.init), expected: "a whole number \(Self.shown(range))") {
            Int($0).flatMap { range.contains($0) ? $0 : nil }
        }
        return found
    }

    /// A finite number.
    func number(_ name: String, default preset: Double) throws(DetectorError) -> Double {
        try value(name, preset: "\(preset)", expected: "a number") { Double($0).flatMap { $0.isFinite ? $0 : nil } }
    }

    /// Finite numbers with commas between them.
    func numbers(_ name: String) throws(DetectorError) -> [Double] {
        try value(name, preset: nil, expected: "numbers with commas between them") { text in
            let numbers = text.split(separator: ",").map { Double($0).flatMap { $0.isFinite ? $0 : nil } }
            return numbers.contains { $0 == nil } || numbers.isEmpty ? nil : numbers.compactMap { $0 }
        }
    }

    /// Whole numbers with commas between them.
    func integers(_ name: String) throws(DetectorError) -> [Int] {
        try value(name, preset: nil, expected: "whole numbers with commas between them") { text in
            let numbers = text.split(separator: ",").map { Int($0) }
            return numbers.contains { $0 == nil } || numbers.isEmpty ? nil : numbers.compactMap { $0 }
        }
    }

    /// One of the words that `read` knows.
    func word<Value>(
        _ name: String, default preset: String, expected: String, _ read: (String) -> Value?
    ) throws(DetectorError) -> Value {
        try value(name, preset: preset, expected: expected, read)
    }

    private func value<Value>(
        _ name: String, preset: String?, expected: String, _ read: (String) -> Value?
    ) throws(DetectorError) -> Value {
        let option = options[name]
        guard let text = option?.value ?? preset else {
            throw failure("expected the option \(name)=, found none", line: line)
        }
        guard let value = read(text) else {
            throw failure("\(name): expected \(expected), found '\(text.prefix(40))'", line: option?.line ?? line)
        }
        return value
    }

    func failure(_ what: String, line: Int? = nil) -> DetectorError {
        DetectorError(
            .content,
            "\(path), line \(line ?? self.line), [\(name)]: \(what); give the .cfg file that came with the weights")
    }

    private static func shown(_ range: ClosedRange<Int>) -> String {
        range.upperBound == .max
            ? "from \(range.lowerBound) on" : "from \(range.lowerBound) to \(range.upperBound)"
    }
}
