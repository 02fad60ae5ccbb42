// The one error of this module; errors of the broker and PostgreSQL pass through unchanged.

/// Something that keeps a broker or database from being set up or looked at.
public struct ProvisioningError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What callers branch on.
    public enum Code: Sendable, Equatable {
        /// A URL, file or name that was given cannot be used.
        case invalid
        /// The server does not allow it to this user (HTTP 401 or 403).
        case notAllowed
        /// What was asked for is not there (HTTP 404).
        case missing
        /// The server cannot be reached, or failed.
        case unavailable
        /// No answer within the time that a check has.
        case timeout
        /// What is there belongs to something else.
        case contradiction
    }

    /// What callers branch on.
    public let code: Code
    /// One line: what was done, what was found, and the fix.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
