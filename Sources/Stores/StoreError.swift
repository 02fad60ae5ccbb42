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
        /// The object directory is not there: not mounted, mistyped, or not provisioned yet.
        case away
        /// The object directory is another catalogue's.
        case foreign
        /// Any other answer of the system, and any failure to read but `missing`; the value is its `errno`.
        case other(Int32)

        /// Whether the surroundings failed and not what was asked for: a disc that is full, read-only, away or ill, or
        /// rights that are missing. An operator mends it, or time does, and it says nothing about any file.
        public var isOfTheSurroundings: Bool {
            switch self {
            case .full, .readOnly, .away, .foreign, .other: true
            case .missing, .corrupt, .invalid: false
            }
        }
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

    /// The failure of a system call that only reads `path`, from `errno`.
    static func reading(_ action: String, _ path: String, number: Int32 = errno) -> StoreError {
        let failure = FileFailure(action, path, number: number)
        guard failure.kind != .missing else { return .system(action, path, number: number) }
        let fix =
            switch number {
            case EACCES, EPERM: "; let this user read it"
            case ESTALE: "; mount its file system again"
            case EIO: "; look at its disc or file server"
            default: ""
            }
        return StoreError(.other(number), "cannot \(action) \(path): \(failure.reason)\(fix)")
    }
}
