// Why weights could not be read or written.

import ErrorLines
import Foundation
public import JSON

/// An error of the weights' module: one line that names the file, what was expected and found, and the fix.
public struct WeightError: Error, CustomStringConvertible, Sendable, Hashable {
    /// What kind of trouble it is, for callers that branch.
    public enum Code: String, Sendable, CaseIterable {
        /// A file could not be opened, read or written.
        case file
        /// Nothing is where weights were looked for.
        case missing
        /// A file's contents are damaged or contradict themselves.
        case content
        /// A file is whole, but of a kind that is not read here.
        case unsupported
    }

    /// What kind of trouble it is.
    public let code: Code
    /// The whole message, one line.
    public let description: String

    /// Makes an error; `description` is made one short line without control characters.
    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = ErrorLine.text(description)
    }

    /// The fix for a damaged file.
    static let again = "copy or download the file again"

    /// A file that is damaged, or made by something that makes damaged files.
    static func content(
        _ path: String, _ place: String, expected: String, found: String,
        fix: String = again
    ) -> WeightError {
        WeightError(.content, "\(shown(path)): \(place): expected \(expected), found \(found); \(fix)")
    }

    /// A whole file of a kind that is not read.
    static func unsupported(_ path: String, _ what: String, fix: String) -> WeightError {
        WeightError(.unsupported, "\(shown(path)): \(what); \(fix)")
    }

    /// A failed call of the operating system; reads `errno`.
    static func system(_ action: String, _ path: String, fix: String) -> WeightError {
        let reason = unsafe String(cString: strerror(errno))
        return WeightError(.file, "cannot \(action) \(shown(path)): \(reason); \(fix)")
    }

    /// The first few of `names`, quoted, and how many more there are.
    static func list(_ names: [String], limit: Int = 4) -> String {
        let rest = names.count - limit
        return names.prefix(limit).map { ErrorLine.quoted($0) }.joined(separator: ", ")
            + (rest > 0 ? " and \(rest) more" : "")
    }

    /// A shape for a message: at most 8 of its dimensions.
    static func list(_ shape: [Int]) -> String {
        "[" + shape.prefix(8).map(String.init).joined(separator: ", ") + (shape.count > 8 ? ", …]" : "]")
    }

    /// A path for a message; its end tells files apart.
    static func shown(_ path: String) -> String { ErrorLine.end(of: path, limit: 300) }

    /// Whether `name` can stand in a list, a log and a header.
    static func isPlain(_ name: String) -> Bool { !name.isEmpty && PrintableText.isPlain(name) }
}

extension WeightError: JSONReadingError {
    /// A header or index that is not the JSON that it must be.
    public init(_ fault: JSONFault) {
        self = .content(
            fault.path, "\(fault.part), byte \(fault.byte)", expected: fault.expected, found: fault.found,
            fix: fault.fix)
    }
}
