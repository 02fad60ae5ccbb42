// Why an archive could not be written or read.

import ErrorLines
import Files
import Foundation

/// An archive that could not be written or read.
public struct ArchiveError: Error, CustomStringConvertible, Sendable {
    /// What callers may branch on.
    public enum Code: Sendable, Equatable {
        /// No space or quota is left (ENOSPC, EDQUOT).
        case full
        /// There is no such file.
        case missing
        /// The file ends before the archive does.
        case truncated
        /// A header's checksum does not match its bytes.
        case checksum
        /// A header is not one of POSIX ustar, or a field in it cannot be read.
        case notUstar
        /// The archive holds something other than plain files, such as a link.
        case unsupportedMember
        /// A member's name cannot be stored, or is there already.
        case invalidName
        /// A member is larger than the format can say (8 GiB), or than what is taken into memory.
        case tooLarge
        /// Something else stands there than a file of the expected size: a link, a pipe, a device, a folder.
        case irregular
        /// Any other answer of the system; the value is its `errno`.
        case system(Int32)

        /// Whether the surroundings failed and not the archive: rights that are missing, a disc or a file server that is
        /// full, ill or away. It says nothing about what the archive holds.
        public var isOfTheSurroundings: Bool {
            switch self {
            case .full: true
            // A file stands where a folder should be.
            case .system(let number): number != ENOTDIR
            case .missing, .truncated, .checksum, .notUstar, .unsupportedMember, .invalidName, .tooLarge, .irregular:
                false
            }
        }
    }

    /// What kind of failure it is.
    public let code: Code
    /// One line: what was done, on which file and byte, what was expected, what was found.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = ErrorLine.text(description)
    }

    /// The failure of a system call on `path`, from `errno`.
    static func system(_ action: String, _ path: String, number: Int32 = errno) -> ArchiveError {
        system(FileFailure(action, path, number: number))
    }

    /// The failure of a system call.
    static func system(_ failure: FileFailure) -> ArchiveError {
        let code: Code =
            switch failure.kind {
            case .full: .full
            case .missing: .missing
            case .unexpected: .irregular
            case .readOnly, .other: .system(failure.number)
            }
        let fix = code == .full ? failure.fix : ""
        return ArchiveError(code, "cannot \(failure.action) the archive \(failure.path): \(failure.reason)\(fix)")
    }
}
