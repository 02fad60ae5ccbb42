// The catalogue: one connection and the statements that decide what is claimable and what is finished.

public import Logging
public import Postgres

/// The truth about every job, shard, task and output.
///
/// Every write is one guarded statement or one short transaction at READ COMMITTED, so any number of workers and
/// producers may call at once. A value of this type owns one connection; give each thread of work its own.
public struct Catalogue: Sendable {
    /// The connection that every call uses.
    public let connection: Connection

    /// Uses `connection`, which connects at first use.
    public init(connection: Connection) { self.connection = connection }

    /// Opens the catalogue at `url`.
    /// - Parameters:
    ///   - applicationName: shown in `pg_stat_activity`, at most 63 bytes.
    ///   - keepsPlans: for workers, whose `claim` and `finish` run hundreds of times a second: plans of prepared
    ///     statements are made once a session.
    public init(url: DatabaseURL, applicationName: String, keepsPlans: Bool = false, logger: Logger) {
        self.init(
            connection: Connection(
                url: url, applicationName: applicationName, settings: keepsPlans ? Self.keptPlans : [:],
                logger: logger))
    }

    /// Opens the catalogue for renewing leases of this length and nothing else.
    ///
    /// A server that is too slow ends a renewal after ``longestRenewal(of:)``; one that does not even say that counts as
    /// lost after a quarter more. So a worker that cannot renew knows it while the lease still lasts. A renewal does not
    /// wait for the disc: where a crash of the server loses one, the lease has its grace.
    public init(renewing lease: Duration, url: DatabaseURL, applicationName: String, logger: Logger) {
        let limit = Self.longestRenewal(of: lease)
        self.init(
            connection: Connection(
                url: url, applicationName: applicationName,
                settings: Self.keptPlans.merging(["synchronous_commit": "off"]) { _, new in new },
                statementTimeout: limit, answerTimeout: limit * 1.25, logger: logger))
    }

    /// How long a renewal may take: an eighth of the lease, for short leases up to half a second.
    public static func longestRenewal(of lease: Duration) -> Duration {
        max(lease / 8, min(lease / 4, .milliseconds(500)))
    }

    /// A plan that is made while the tables are still empty would read them from end to end forever after. Everything
    /// that a worker asks goes by key, so it never may.
    private static let keptPlans = ["plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"]

    /// Closes the connection; a later call opens it again.
    public func close() async { await connection.close() }

    /// Runs `body` in a transaction, again when PostgreSQL says that trying again may help (deadlock, serialization).
    func transaction<Result: Sendable>(
        _ label: String, synchronousCommit: Bool = true,
        _ body: @Sendable (isolated Connection) throws -> Result
    ) async throws -> Result {
        var attempt = 0
        while true {
            do {
                return try await connection.transaction(label: label, synchronousCommit: synchronousCommit, body)
            } catch let error as PostgresError where error.code == .retryable && attempt < 9 {
                attempt += 1
                try await Task.sleep(for: .milliseconds(Int.random(in: 1...(10 << attempt))))
            }
        }
    }

    /// Runs `body` in a read-only transaction whose statements all see the same moment.
    func snapshot<Result: Sendable>(
        _ label: String, _ body: @Sendable (isolated Connection) throws -> Result
    ) async throws -> Result {
        try await transaction(label) { connection in
            _ = try connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return try body(connection)
        }
    }
}

extension Array {
    /// The only row of a statement that always returns one.
    func one(_ statement: StaticString) throws(CatalogueError) -> Element {
        guard count == 1, let row = first else {
            throw CatalogueError(.unreadable, "catalogue: expected one row from \(statement), found \(count)")
        }
        return row
    }
}
