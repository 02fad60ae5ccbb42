// Transactions: all or nothing, and an honest answer when nobody can know.

import Failpoints
import Logging

extension Connection {
    /// Runs `body` between BEGIN and COMMIT; ROLLBACK when it throws.
    ///
    /// The body is synchronous and on the connection's thread: no other call comes between its statements, and
    /// transactions cannot nest. It should not compute for long, since it holds locks.
    /// - Parameters:
    ///   - label: names the failpoints around COMMIT, `postgres.before-commit.LABEL` and `postgres.after-commit.LABEL`,
    ///     and `postgres.lost-answer.LABEL`, which fails as if the connection had been lost during COMMIT.
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
        try prepareToBegin(synchronousCommit: synchronousCommit)
        isInTransaction = true
        defer {
            isInTransaction = false
            unsentBegin = []
        }
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
        try loseAnswer(label: label)
        return result
    }

    /// Connects; BEGIN goes out together with the first statement.
    private func prepareToBegin(synchronousCommit: Bool) throws(PostgresError) {
        try onSession { _ throws(PostgresError) in }
        unsentBegin = synchronousCommit ? ["BEGIN"] : ["BEGIN", "SET LOCAL synchronous_commit = off"]
    }

    /// Runs one statement, and before it what begins the transaction, where nothing has begun it yet.
    func run(_ sql: SQL, prepared isPrepared: Bool) throws(PostgresError) -> ServerResult? {
        let begin = unsentBegin
        unsentBegin = []
        return try onSession { session throws(PostgresError) in
            if !begin.isEmpty, !isPrepared || session.hasPrepared(sql) {
                return try session.run(begin, then: sql, prepared: isPrepared)
            }
            // Parsing belongs into the transaction: when it fails, nothing after it may be committed.
            if !begin.isEmpty { _ = try session.run(script: begin.joined(separator: "; ")) }
            return try isPrepared ? session.run(prepared: sql) : session.run(sql)
        }
    }

    private func commit() throws(PostgresError) {
        // Nothing was said, so there is nothing to commit.
        guard unsentBegin.isEmpty else { return }
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
                throw unknownCommit(error.description, sqlstate: error.sqlstate)
            }
        }
    }

    private func unknownCommit(_ cause: String, sqlstate: String? = nil) -> PostgresError {
        abandonSession()
        return PostgresError(
            .commitUnknown, sqlstate: sqlstate,
            "\(cause); this was during COMMIT, so the transaction is either whole or not there: look before trying again"
        )
    }

    private func loseAnswer(label: String?) throws(PostgresError) {
        guard let label else { return }
        do {
            try Failpoint.check("postgres.lost-answer.\(label)")
        } catch {
            throw unknownCommit("PostgreSQL \(url): \(error)")
        }
    }

    /// Ends the transaction without its changes; when even that fails, ending the session does it.
    private func rollback() {
        guard unsentBegin.isEmpty else { return }
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
