// Why a detector could not be made.

import ErrorLines

/// A detector's file that cannot be used: one line that names the file and the place, what was expected and found, the fix.
public struct DetectorError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What callers may branch on.
    public enum Code: Sendable {
        /// A file could not be opened or read.
        case file
        /// A file's contents.
        case content
    }

    /// What kind of failure it is.
    public let code: Code
    /// The line.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = ErrorLine.text(description)
    }
}
