// Why a file could not be hashed.

import Foundation

/// A file that could not be opened or read for hashing.
public struct DigestError: Error, CustomStringConvertible, Sendable {
    /// The file's path as it was given.
    public let path: String
    /// The system's error number (`errno`).
    public let errorNumber: Int32
    /// One line: what was done, on which file, what the system said, and the fix.
    public let description: String

    init(path: String, action: String, errorNumber: Int32) {
        self.path = path
        self.errorNumber = errorNumber
        let reason = unsafe String(cString: strerror(errorNumber))
        description =
            "cannot compute the SHA-256 of \(path): to \(action) it failed (\(reason)); "
            + "check that it is a file that this user may read"
    }
}
