// Why an export could not be made.

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
        let fix =
            switch number {
            case ENOSPC, EDQUOT: "; free space or raise the quota of its file system"
            case EROFS, EACCES, EPERM: "; let this user write there"
            default: ""
            }
        return ExportError(.destination, "cannot \(action) \(path): \(String(cString: strerror(number)))\(fix)")
    }
}
