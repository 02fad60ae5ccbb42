// Why an export could not be made.

import Files
import Foundation

/// An error of the exports' module: one line that says what was done, where, what was expected and found, and the fix.
public struct ExportError: Error, CustomStringConvertible, Sendable, Hashable {
    /// What kind of trouble it is, for callers that branch.
    public enum Code: Sendable {
        /// The job is not finished, is of another kind, or does not fit the real set.
        case refused
        /// The destination holds something else, is in use, or cannot be written.
        case destination
        /// What is stored is not what the catalogue recorded.
        case damaged
        /// What is stored cannot be read now, which says nothing about it.
        case unreadable
    }

    /// What kind of trouble it is.
    public let code: Code
    /// The whole message, one line.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    /// The failure of a system call while writing `path`, from `errno`.
    static func system(_ action: String, _ path: String, number: Int32 = errno) -> ExportError {
        system(FileFailure(action, path, number: number))
    }

    /// The failure of reading a file.
    static func reading(_ failure: FileFailure) -> ExportError {
        let fix = failure.kind == .readOnly ? "; let this user read it" : ""
        return ExportError(.unreadable, "cannot \(failure.action) \(failure.path): \(failure.reason)\(fix)")
    }

    /// The failure of a system call while writing.
    static func system(_ failure: FileFailure) -> ExportError {
        ExportError(.destination, failure.line)
    }
}
