// The one error of this module; PostgreSQL's own errors pass through unchanged.

public import Postgres

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

    /// What a worker is told whose row is gone: a catalogue was restored that is older than the worker.
    public static func forgotten(worker: Int64) -> CatalogueError {
        CatalogueError(
            .notFound,
            "catalogue: expected worker \(worker) as it registered, found none: the catalogue was restored from before this "
                + "worker began; start the worker again")
    }
}

extension PostgresError {
    /// Whether a claim was refused because the catalogue does not know the worker.
    public var isUnknownWorker: Bool { code == .constraint("leases_worker_id_fkey") }
}
