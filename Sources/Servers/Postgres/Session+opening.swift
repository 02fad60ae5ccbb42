// What a session is set to after connecting, and whether a pooler in between lets that hold.

import CPostgres
import Logging

extension Session {
    /// How long a statement may take before the session is set up.
    private static let longestOpening = Duration.seconds(30)

    /// Connects, refuses a pooler that would share the session, and sets it up.
    static func open(
        url: DatabaseURL, applicationName: String, settings: [String: String], answerTimeout: Duration?, logger: Logger
    ) throws(PostgresError) -> Session {
        let session = try Session(
            url: url, applicationName: applicationName, answerTimeout: answerTimeout, logger: logger)
        // A pooler that has no process of the server to give lets the first statement wait, as long as it pleases.
        session.answerTimeout = min(answerTimeout ?? longestOpening, longestOpening)
        defer { session.answerTimeout = answerTimeout }
        let process = try session.process()
        if process != session.announcedProcess {
            session.isPooled = true
            // Before anything is set: in a shared session it would be set for strangers, too.
            try session.requireOwnProcess(process, applicationName: applicationName, logger: logger)
        }
        try session.apply(settings)
        return session
    }

    /// Sets what holds until the session ends.
    func apply(_ settings: [String: String]) throws(PostgresError) {
        guard !settings.isEmpty else { return }
        let names = settings.keys.sorted()
        let calls = names.map { name -> SQL in "set_config(\(name), \(settings[name] ?? ""), false)" }
        do throws(PostgresError) {
            guard let table = try run(Self.selection(of: calls))?.table(), let row = table.rows.first else {
                throw lostOrFailed(statement: "SELECT set_config")
            }
            for (index, name) in names.enumerated() { self.settings[name] = try row[index, as: String.self] }
        } catch {
            // An unknown name, a value of another kind, no right to it, or one that only the server's start sets.
            guard ["42704", "22023", "42501", "55P02", "42602"].contains(error.sqlstate ?? "") else { throw error }
            throw PostgresError(
                .configuration, sqlstate: error.sqlstate,
                "PostgreSQL \(url): \(error.description); correct what the database URL asks of the server")
        }
    }

    /// Sets these again to what ``apply(_:)`` set.
    func restore(_ names: [String]) throws(PostgresError) {
        try apply(settings.filter { names.contains($0.key) })
    }

    /// Those of the settings that the server shows otherwise than they were set, with what it shows.
    func lostSettings() throws(PostgresError) -> [String: String] {
        let names = settings.keys.sorted()
        let calls = names.map { name -> SQL in "current_setting(\(name), true)" }
        guard !names.isEmpty, let row = try run(Self.selection(of: calls))?.table().rows.first else { return [:] }
        var lost: [String: String] = [:]
        for (index, name) in names.enumerated() {
            let shown = try row[index, as: String?.self] ?? ""
            if shown != settings[name] { lost[name] = shown }
        }
        return lost
    }

    private static func selection(of calls: [SQL]) -> SQL {
        var selection: SQL = "SELECT "
        for (index, call) in calls.enumerated() { selection += index == 0 ? call : ", " + call }
        return selection
    }

    // MARK: Poolers

    /// The number of the server's process as it was told while connecting; a pooler tells one that it made up.
    private var announcedProcess: Int { Int(unsafe PQbackendPID(handle)) }

    /// The number of the process that answers.
    private func process() throws(PostgresError) -> Int {
        guard let row = try run("SELECT pg_backend_pid()::bigint")?.table().rows.first else {
            throw lostOrFailed(statement: "SELECT pg_backend_pid()")
        }
        return try row[0, as: Int.self]
    }

    /// Refuses a pooler that gives a process of the server to whoever comes next.
    ///
    /// Asked in turn, this session and one beside it must each be answered by its own process, always the same one.
    /// A pooler that has none left for the second in this time does not share them.
    private func requireOwnProcess(
        _ process: Int, applicationName: String, logger: Logger
    ) throws(PostgresError) {
        let sibling: Session
        var beside: Int?
        do throws(PostgresError) {
            sibling = try Session(
                url: url, applicationName: applicationName, answerTimeout: .seconds(1), logger: logger)
            beside = try sibling.process()
            for _ in 0..<3 {
                let again = try sibling.process()
                guard beside == again, again != process, try self.process() == process else { throw Self.shared(url) }
            }
        } catch {
            if error.code == .pooling || !isAlive { throw error }
            // Statement mode refuses nothing so far, and where no second process answers, none is shared.
            if beside == process { throw Self.shared(url) }
            logger.debug("the pooler has no second session to compare", metadata: ["postgres.error": "\(error)"])
        }
    }

    private static func shared(_ url: DatabaseURL) -> PostgresError {
        PostgresError(
            .pooling,
            "PostgreSQL \(url): expected a session of its own, found a pooler in transaction or statement mode, where "
                + "settings, locks and prepared statements do not hold; set pool_mode = session for this database, or name "
                + "the server itself in the database URL")
    }
}

/// What poolers mean by the one code that they have for everything.
enum PoolerRefusal {
    /// The SQLSTATE that PostgreSQL itself would have sent: PgBouncer sends 08P01 for what is wrong in the URL, too.
    static func state(for sqlstate: String, message: String) -> String {
        guard sqlstate == "08P01" else { return sqlstate }
        let meanings = [
            ("no such database", "3D000"), ("no such user", "28000"), ("unsupported startup parameter", "42704"),
            ("auth failed", "28P01"), ("authentication failed", "28P01"), ("not allowed", "28000"),
        ]
        return meanings.first { message.contains($0.0) }?.1 ?? sqlstate
    }
}
