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

    /// The first few of `ids` as text for a message, with an ellipsis when there are more.
    static func list(_ ids: [Int], limit: Int = 5) -> String {
        ids.prefix(limit).map(String.init).joined(separator: ", ") + (ids.count > limit ? ", …" : "")
    }
}
