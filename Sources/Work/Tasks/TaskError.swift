// The one error of this module.

import ErrorLines

/// A message, specification or payload that cannot be used.
public struct TaskError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What callers branch on.
    public enum Code: Sendable { case unreadable, invalid }

    /// What callers branch on.
    public let code: Code
    /// One line: what was read, what was expected, what was found.
    public let description: String

    /// Makes an error from its one line.
    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = ErrorLine.text(description)
    }
}
