// Transactions: all or nothing, and an honest answer when nobody can know.

import Failpoints
import Logging

extension Connection {
    /// Runs `body` between BEGIN and COMMIT; ROLLBACK when it throws.
    ///
    /// The body is synchronous and on the connection's thread: no other call comes between its statements, and
    /// transactions cannot nest. It should not compute for long, since it holds locks.
    /// - Parameters:
    ///   - label: names the failpoints around COMMIT, `postgres.before-commit.LABEL` and `postgres.after-commit.LABEL`.
    ///   - synchronousCommit: false when a commit that a server crash loses does no harm; COMMIT then does not wait for
    ///     the disc.
    /// - Throws: what the body throws; ``PostgresError/Code/commitUnknown`` when the connection was lost during COMMIT.
    public func transaction<Result: Sendable>(
        label: String? = nil, synchronousCommit: Bool = true,
        _ body: @Sendable (isolated Connection) throws -> Result
    ) async throws -> Result {
        try runTransaction(label: label, synchronousCommit: synchronousCommit, body)
    }

    /// The same without the possibility to suspend.
    func runTransaction<Result>(
        label: String? = nil, synchronousCommit: Bool = true, _ body: (isolated Connection) throws -> Result
    ) throws -> Result {
        precondition(!isInTransaction, "transactions do not nest")
        try begin(synchronousCommit: synchronousCommit)
        isInTransaction = true
        defer { isInTransaction = false }
        let result: Result
        do {
            result = try body(self)
        } catch {
            rollback()
            throw error
        }
        pass("postgres.before-commit", label: label)
        try commit()
        pass("postgres.after-commit", label: label)
        return result
    }

    private func begin(synchronousCommit: Bool) throws(PostgresError) {
        let script = synchronousCommit ? "BEGIN" : "BEGIN; SET LOCAL synchronous_commit = off"
        try onSession { session throws(PostgresError) in _ = try session.run(script: script) }
    }

    private func commit() throws(PostgresError) {
        try onSession { session throws(PostgresError) in
            guard session.isAlive else {
                throw PostgresError(
                    .unavailable, "PostgreSQL \(url): the connection was lost before COMMIT; nothing was committed")
            }
            do throws(PostgresError) {
                let tag = try session.run(script: "COMMIT")?.commandTag ?? ""
                guard tag == "COMMIT" else {
                    throw PostgresError(
                        .sql("25P02"), sqlstate: "25P02",
                        "PostgreSQL: expected COMMIT, found \(tag): a statement of the transaction had "
                            + "failed and its error was not thrown"
                    )
                }
            } catch {
                guard error.code == .unavailable else { throw error }
                abandonSession()
                throw PostgresError(
                    .commitUnknown, sqlstate: error.sqlstate,
                    "\(error.description); this was during COMMIT, so the transaction is either whole or "
                        + "not there: look before trying again"
                )
            }
        }
    }

    /// Ends the transaction without its changes; when even that fails, ending the session does it.
    private func rollback() {
        do {
            try onSession { session throws(PostgresError) in _ = try session.run(script: "ROLLBACK") }
        } catch {
            logger.debug("ROLLBACK failed; the session is dropped", metadata: ["postgres.error": "\(error)"])
            abandonSession()
        }
    }

    private func pass(_ failpoint: String, label: String?) {
        Failpoint.hit(failpoint)
        if let label { Failpoint.hit("\(failpoint).\(label)") }
    }
}
