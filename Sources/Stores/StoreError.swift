// Why the object directory could not keep or give something.

import Files
import Foundation

/// Something that the object directory could not keep or give.
public struct StoreError: Error, CustomStringConvertible, Sendable {
    /// What callers may branch on.
    public enum Code: Sendable, Equatable {
        /// There is no such object or file.
        case missing
        /// The bytes are not those that the digest names.
        case corrupt
        /// No space or quota is left (ENOSPC, EDQUOT).
        case full
        /// Writing is not permitted here (EROFS, EACCES, EPERM).
        case readOnly
        /// A name, path or layout of folders that the store does not accept.
        case invalid
        /// Any other answer of the system; the value is its `errno`.
        case other(Int32)
    }

    /// What kind of failure it is.
    public let code: Code
    /// One line: what was done, on which file, what was expected, what was found, and the fix.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    /// The failure of a system call on `path`, from `errno`.
    static func system(_ action: String, _ path: String, number: Int32 = errno) -> StoreError {
        let failure = FileFailure(action, path, number: number)
        let code: Code =
            switch failure.kind {
            case .full: .full
            case .readOnly: .readOnly
            case .missing: .missing
            case .other: .other(number)
            }
        return StoreError(code, "cannot \(action) \(path): \(failure.reason)\(failure.fix)")
    }
}
