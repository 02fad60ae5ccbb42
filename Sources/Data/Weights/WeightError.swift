// Why weights could not be read or written.

import Foundation

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

    /// Makes an error; `description` is made one line without control characters.
    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = Self.cleaned(description, limit: 800)
    }

    /// A file that is damaged, or made by something that makes damaged files.
    static func content(
        _ path: String, _ place: String, expected: String, found: String,
        fix: String = "copy or download the file again"
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

    /// What a file holds, for a message: between single quotes, without control characters, at most 60 characters.
    static func quoted(_ found: some StringProtocol) -> String { "'\(cleaned(found, limit: 60))'" }

    /// The end of a path that a file holds, for a message, as ``quoted(_:)`` shows its beginning.
    static func quotedEnd(_ path: String) -> String {
        let scalars = path.unicodeScalars
        let end = String(String.UnicodeScalarView(scalars.suffix(100)))
        return "'" + (scalars.count > 100 ? "…" : "") + cleaned(end, limit: 100) + "'"
    }

    /// The first few of `names`, quoted, and how many more there are.
    static func list(_ names: [String], limit: Int = 4) -> String {
        let rest = names.count - limit
        return names.prefix(limit).map { quoted($0) }.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }

    /// A shape for a message: at most 8 of its dimensions.
    static func list(_ shape: [Int]) -> String {
        "[" + shape.prefix(8).map(String.init).joined(separator: ", ") + (shape.count > 8 ? ", …]" : "]")
    }

    /// A path for a message; its end tells files apart.
    static func shown(_ path: String) -> String {
        let scalars = path.unicodeScalars
        let isLong = scalars.count > 300
        return (isLong ? "…" : "") + cleaned(String(String.UnicodeScalarView(scalars.suffix(300))), limit: 300)
    }

    private static func cleaned(_ text: some StringProtocol, limit: Int) -> String {
        let shown = text.unicodeScalars.prefix(limit).map { isControl($0) ? "?" : $0 }
        let isCut = !text.unicodeScalars.dropFirst(limit).isEmpty
        return String(String.UnicodeScalarView(shown)) + (isCut ? "…" : "")
    }

    /// C0, DEL, C1, the Unicode line ends, and what turns a line's direction around.
    static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// Whether `name` can stand in a list, a log and a header.
    static func isPlain(_ name: String) -> Bool {
        guard !name.isEmpty else { return false }
        return name.utf8.allSatisfy { (0x20..<0x7F).contains($0) } || !name.unicodeScalars.contains(where: isControl)
    }
}
