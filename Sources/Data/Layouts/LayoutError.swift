// Why a file could not be read or a plan could not be made.

/// An error of the layouts' module: one line that says what was done, where, what was expected and found, and the fix.
public struct LayoutError: Error, CustomStringConvertible, Sendable, Hashable {
    /// What kind of trouble it is, for callers that branch.
    public enum Code: String, Sendable, CaseIterable {
        /// A file could not be opened, read or written.
        case file
        /// A file's contents are not what they should be.
        case content
        /// Options that contradict each other or lack an input.
        case options
        /// Image ids were asked for that the annotation file does not have.
        case missingImages
        /// Images that the detector was not run on, under the policy ``UncoveredPolicy/fail``.
        case uncovered
    }

    /// What kind of trouble it is.
    public let code: Code
    /// The whole message, one line.
    public let description: String

    /// Makes an error; `description` is one line that ends with the fix.
    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    /// What a file holds, for a message: between single quotes, without control characters, and at most 40 characters.
    static func quoted(_ found: some StringProtocol) -> String {
        "'\(cleaned(found, limit: 40))'"
    }

    /// Text that may quote a file, for a message: without control characters, and at most `limit` of the others.
    static func cleaned(_ text: some StringProtocol, limit: Int = 200) -> String {
        let shown = text.unicodeScalars.prefix(limit).map { scalar -> Unicode.Scalar in
            switch scalar.value {
            case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: "?"
            default: scalar
            }
        }
        let rest = text.unicodeScalars.dropFirst(limit).isEmpty ? "" : "…"
        return String(String.UnicodeScalarView(shown)) + rest
    }

    /// The first few of `ids` as text for a message, with an ellipsis when there are more.
    static func list(_ ids: [Int], limit: Int = 5) -> String {
        ids.prefix(limit).map(String.init).joined(separator: ", ") + (ids.count > limit ? ", …" : "")
    }
}
