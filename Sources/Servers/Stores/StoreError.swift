// Why a store could not keep or give something.

public import Files
import Foundation

/// Something that a store could not keep or give.
public struct StoreError: Error, CustomStringConvertible, Sendable {
    /// What callers may branch on.
    public enum Code: Sendable, Equatable {
        /// There is no such object or file.
        case missing
        /// The bytes are not those that the digest names, or no regular file of that size is there: a link, say.
        case corrupt
        /// No space or quota is left (ENOSPC, EDQUOT).
        case full
        /// Writing is not permitted here (EROFS, EACCES, EPERM).
        case readOnly
        /// A name, address or layout of folders that the store does not accept.
        case invalid
        /// The store is not there: not mounted, mistyped, or not provisioned yet.
        case away
        /// The store is another catalogue's.
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
    public var description: String { fix.isEmpty ? what : "\(what); \(fix)" }
    /// The line without the fix, for callers that know a better one.
    public let what: String
    private let fix: String

    /// Describes a failure; stores of all kinds make their own.
    public init(_ code: Code, _ what: String, fix: String = "") {
        self.code = code
        self.what = what
        self.fix = fix
    }

    /// The failure of a system call on `path`, from `errno`.
    static func system(_ action: String, _ path: String, number: Int32 = errno) -> StoreError {
        let failure = FileFailure(action, path, number: number)
        let code: Code =
            switch failure.kind {
            case .full: .full
            case .readOnly: .readOnly
            case .missing: .missing
            case .unexpected, .other: .other(number)
            }
        // Of a store that several users share, the folder and its mode say who has to do what.
        let place = [EACCES, EPERM].contains(number) ? FolderMode.explanation(ofFolderAbove: path) : ""
        return StoreError(code, "cannot \(action) \(path): \(failure.reason)\(place)\(failure.fix)")
    }

    /// A folder of the store that is none, for what writes there: an operator has to mend it.
    static func noFolder(_ failure: FileFailure) -> StoreError {
        guard failure.kind == .unexpected else {
            return .system(failure.action, failure.path, number: failure.number)
        }
        return StoreError(
            .other(ENOTDIR),
            "cannot \(failure.action) \(failure.path): \(failure.reason); nothing in an object directory is followed: move"
                + " the folder itself there, or mount it")
    }

    /// The failure of reading a file of a store, wherever that is.
    public static func reading(_ failure: FileFailure) -> StoreError {
        guard failure.kind == .unexpected else {
            return .reading(failure.action, failure.path, number: failure.number)
        }
        return StoreError(
            .corrupt,
            "cannot \(failure.action) \(failure.path): \(failure.reason)",
            fix: "it is none of this store: remove it and make it again")
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
