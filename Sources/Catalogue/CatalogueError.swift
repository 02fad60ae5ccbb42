// The one error of this module; PostgreSQL's own errors pass through unchanged.

/// A request that the catalogue refuses.
public struct CatalogueError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What callers branch on.
    public enum Code: Sendable {
        /// The job, shard or task does not exist.
        case notFound
        /// The request contradicts what is recorded.
        case refused
        /// What is recorded does not make sense to this program.
        case unreadable
    }

    /// What callers branch on.
    public let code: Code
    /// One line: what was asked, what was found, and the fix.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
