// An actor over one PostgreSQL connection, on an OS thread of its own.

import Executors
public import Logging

/// One connection to PostgreSQL, which opens at its first use and again after a loss.
///
/// Calls block a thread of the connection's own, never the cooperative pool, and run one after the other. A statement
/// on a lost connection throws ``PostgresError/Code/unavailable``; the next one connects again. Nothing is sent twice.
///
/// Session defaults, overridden by `settings`: `statement_timeout` 60s, `lock_timeout` 10s,
/// `idle_in_transaction_session_timeout` 10s, `TimeZone` UTC. No transaction waits for anything but its own statements,
/// so who is idle in one was frozen or cut off, with locks in hand that hold others up. A server that answers nothing
/// for 30 s longer than `statement_timeout` counts as lost; without a statement timeout only TCP keep-alives (25 s)
/// notice a dead one.
public actor Connection {
    /// Where it connects.
    public nonisolated let url: DatabaseURL
    private nonisolated let thread: DedicatedThread
    private let applicationName: String
    private let settings: [String: String]
    private let answerTimeout: Duration?
    let logger: Logger
    private var session: Session?
    var isInTransaction = false
    /// The commands that begin the transaction, until they are sent: together with its first statement.
    var unsentBegin: [String] = []
    /// While the session holds what a new one would not: a lock, settings.
    private var isPinned = false

    /// The connection's own thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    /// Describes a connection; it connects at its first use.
    /// - Parameters:
    ///   - applicationName: shown in `pg_stat_activity`; PostgreSQL keeps 63 bytes.
    ///   - settings: server settings of the session, by name, in place of or beside the defaults. They are set after
    ///     connecting, since poolers refuse most of them before; those of the URL's `options` come last.
    ///   - statementTimeout: the session's `statement_timeout`; `nil` for none.
    ///   - answerTimeout: how long an answer may take before the server or the network counts as dead, connecting included
    ///     (at least 2 s for that); `nil` for 30 s longer than `statementTimeout`.
    public init(
        url: DatabaseURL, applicationName: String, settings: [String: String] = [:],
        statementTimeout: Duration? = .seconds(60), answerTimeout: Duration? = nil, logger: Logger
    ) {
        self.url = url
        self.applicationName = applicationName
        let milliseconds = statementTimeout.map {
            $0.components.seconds * 1000 + $0.components.attoseconds / 1_000_000_000_000_000
        }
        let defaults = [
            "statement_timeout": "\(milliseconds ?? 0)", "lock_timeout": "10s",
            "idle_in_transaction_session_timeout": "10s", "TimeZone": "UTC", "bytea_output": "hex",
        ]
        self.settings = defaults.merging(settings) { _, given in given }.merging(url.settings ?? [:]) { _, given in
            given
        }
        self.answerTimeout =
            answerTimeout
            ?? (settings["statement_timeout"] == nil ? statementTimeout.map { $0 + .seconds(30) } : nil)
        self.logger = logger
        thread = DedicatedThread(name: "postgres")
    }

    /// Runs one statement.
    /// - Parameter isPrepared: whether the server parses it at its first use in a session only, and keeps its plan as
    ///   `plan_cache_mode` says. For the few statements that run many times a second.
    /// - Returns: its rows, none for a statement that returns none.
    public func query(_ sql: SQL, prepared isPrepared: Bool = false) throws(PostgresError) -> [Row] {
        try run(sql, prepared: isPrepared)?.table().rows ?? []
    }

    /// Runs one statement.
    /// - Returns: how many rows it inserted, updated, deleted or returned.
    public func execute(_ sql: SQL) throws(PostgresError) -> Int {
        try run(sql, prepared: false)?.affected ?? 0
    }

    /// Runs a script of any number of statements without parameters, outside of a transaction all in one of their own.
    public func simple(_ script: String) throws(PostgresError) {
        try onSession { session throws(PostgresError) in _ = try session.run(script: script) }
    }

    /// Closes the connection; a later call opens it again.
    public func close() { session = nil }

    /// Calls `body` with a live session, and lets go of a session that was lost in it.
    func onSession<Result: ~Copyable>(
        _ body: (Session) throws(PostgresError) -> Result
    ) throws(PostgresError) -> Result {
        let session = try liveSession()
        do {
            if !unsentBegin.isEmpty {
                let begin = unsentBegin
                unsentBegin = []
                _ = try session.run(script: begin.joined(separator: "; "))
            }
            return try body(session)
        } catch {
            if error.code == .unavailable { self.session = nil }
            throw error
        }
    }

    /// The session that is open already, or a new one; in a transaction never a new one.
    private func liveSession() throws(PostgresError) -> Session {
        if let session {
            if isInTransaction || isPinned { return session }
            session.noticeLoss()
            if session.isAlive { return session }
            logger.info("connection to PostgreSQL was lost while idle", metadata: ["postgres.url": "\(url)"])
            self.session = nil
        }
        guard !isInTransaction, !isPinned else {
            throw PostgresError(.unavailable, "PostgreSQL \(url): the connection was lost earlier in this transaction")
        }
        let session = try Session.open(
            url: url, applicationName: applicationName, settings: settings, answerTimeout: answerTimeout, logger: logger
        )
        logger.debug("connected to PostgreSQL", metadata: ["postgres.url": "\(url)"])
        self.session = session
        return session
    }

    /// Runs `body` on one session without a statement timeout and with ten minutes for locks, then releases its locks.
    func withoutTimeouts<Result>(_ body: () throws -> Result) throws -> Result {
        try simple("SET statement_timeout = 0; SET lock_timeout = '10min'")
        isPinned = true
        session?.answerTimeout = nil
        defer {
            isPinned = false
            session?.answerTimeout = answerTimeout
            restoreSession()
        }
        return try body()
    }

    private func restoreSession() {
        guard session != nil else { return }
        do {
            try simple("SELECT pg_advisory_unlock_all()")
            // RESET would give back what the server begins with.
            try onSession { session throws(PostgresError) in try session.restore(["statement_timeout", "lock_timeout"])
            }
        } catch {
            logger.debug("the session cannot be used again", metadata: ["postgres.error": "\(error)"])
            session = nil
        }
    }

    /// Whether the server has a transaction open that has not failed.
    var isTransactionOpenOnServer: Bool { session?.isInTransaction ?? false }

    /// Lets go of the session, so that the server rolls back what is open.
    func abandonSession() { session = nil }
}
