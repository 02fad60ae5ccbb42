// A system call on a file that failed, sorted into what callers branch on.

import Foundation

/// The failure of a system call on a path; each library makes its own error of it.
public struct FileFailure: Error, Sendable, Hashable {
    /// What callers branch on.
    public enum Kind: Sendable, Hashable {
        /// No space or quota is left (ENOSPC, EDQUOT).
        case full
        /// Writing is not permitted here (EROFS, EACCES, EPERM).
        case readOnly
        /// There is no such file (ENOENT).
        case missing
        /// Something else stands there than was expected: a link, a pipe, a file of another size.
        case unexpected
        /// Any other answer of the system.
        case other
    }

    /// What was done, as in "write".
    public let action: String
    /// On which path.
    public let path: String
    /// The system's `errno`; `EINVAL` where something else stands there than was expected.
    public let number: Int32
    /// What was expected and found there, where that is the failure.
    private let surprise: String?

    /// Describes the failure of the call that has just returned, from `errno`.
    public init(_ action: String, _ path: String) { self.init(action, path, number: errno) }

    /// Describes a failure.
    public init(_ action: String, _ path: String, number: Int32) {
        self.action = action
        self.path = path
        self.number = number
        surprise = nil
    }

    /// Describes that something else stands at `path` than was expected.
    public init(_ action: String, _ path: String, expected: String, found: String) {
        self.action = action
        self.path = path
        number = EINVAL
        surprise = "expected \(expected), found \(found)"
    }

    /// What kind of failure it is.
    public var kind: Kind {
        guard surprise == nil else { return .unexpected }
        return switch number {
        case ENOSPC, EDQUOT: .full
        case EROFS, EACCES, EPERM: .readOnly
        case ENOENT: .missing
        default: .other
        }
    }

    /// The system's words for it, or what was expected and found.
    public var reason: String { surprise ?? String(cString: strerror(number)) }

    /// What mends it where a file was to be written, beginning with a semicolon; empty where nothing is known.
    public var fix: String {
        switch kind {
        case .full: "; free space or raise the quota of its file system"
        case .readOnly: "; let this user write there"
        case .missing, .unexpected, .other: ""
        }
    }

    /// One line: what could not be done, to what, why, and what mends it where that is known.
    public var line: String { "cannot \(action) \(path): \(reason)\(fix)" }
}
