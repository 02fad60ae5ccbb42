// Statements that the server parses once a session, and a transaction's first statement sent together with its BEGIN.

import CPostgres

/// What the server parsed: a text, and the types of its parameters.
struct StatementShape: Hashable {
    var text: String
    var types: [UInt32]

    init(_ sql: SQL) {
        text = sql.text
        types = sql.binds.map(\.type)
    }
}

extension Session {
    /// Whether the server has parsed the statement for this session.
    func hasPrepared(_ sql: SQL) -> Bool { prepared[StatementShape(sql)] != nil }

    /// The name under which the server knows the statement; it parses it at the first use.
    private func name(of sql: SQL) throws(PostgresError) -> String {
        let shape = StatementShape(sql)
        if let name = prepared[shape] { return name }
        let name = statementPrefix + "\(prepared.count)"
        let sent = unsafe PQsendPrepare(handle, name, shape.text, Int32(shape.types.count), shape.types.map { Oid($0) })
        guard sent == 1 else { throw lostOrFailed(statement: shape.text) }
        _ = try finish(statement: shape.text)
        prepared[shape] = name
        return name
    }

    /// Runs a statement that the server parses at its first use in this session, and plans as `plan_cache_mode` says.
    func run(prepared sql: SQL) throws(PostgresError) -> ServerResult? {
        try knowingPlans { () throws(PostgresError) in
            try send(sql, named: try name(of: sql))
            return try finish(statement: sql.text)
        }
    }

    /// Runs `commands`, which have no parameters, and the statement, and waits for the server once; twice where a
    /// prepared statement has to be parsed first.
    ///
    /// What comes after a failure is not run; the first failure is thrown.
    func run(_ commands: [String], then sql: SQL, prepared isPrepared: Bool) throws(PostgresError) -> ServerResult? {
        let name: String? =
            isPrepared ? try knowingPlans { () throws(PostgresError) in try self.name(of: sql) } : nil
        guard unsafe PQenterPipelineMode(handle) == 1 else { throw lostOrFailed(statement: sql.text) }
        // It is refused while answers are missing, which then nobody can tell from those to later statements.
        defer { isOutOfStep = unsafe PQexitPipelineMode(handle) != 1 }
        for command in commands {
            let sent = unsafe PQsendQueryParams(handle, command, 0, nil, nil, nil, nil, 0)
            guard sent == 1 else { throw lostOrFailed(statement: command) }
        }
        if let name { try send(sql, named: name) } else { try send(sql) }
        guard unsafe PQpipelineSync(handle) == 1 else { throw lostOrFailed(statement: sql.text) }
        return try knowingPlans { () throws(PostgresError) in try pipelined(commands, then: sql.text) }
    }

    /// Runs `body`. A prepared statement that the server forgot (26000) or knows from somebody else (42P05), or whose
    /// result would have other types since a migration (0A000), makes the session one to leave: a new one parses anew.
    private func knowingPlans<Result: ~Copyable>(
        _ body: () throws(PostgresError) -> Result
    ) throws(PostgresError) -> Result {
        do throws(PostgresError) {
            return try body()
        } catch {
            let isStale = !prepared.isEmpty && ["26000", "0A000"].contains(error.sqlstate ?? "")
            guard isStale || error.sqlstate == "42P05" else { throw error }
            throw PostgresError(.unavailable, sqlstate: error.sqlstate, error.description)
        }
    }

    /// Reads the answers of a pipeline up to its end.
    private func pipelined(_ commands: [String], then statement: String) throws(PostgresError) -> ServerResult? {
        var failure: PostgresError?
        var result: ServerResult?
        for text in commands + [statement] {
            do throws(PostgresError) {
                result = try finish(statement: text)
            } catch {
                guard isAlive else { throw failure ?? error }
                failure = failure ?? error
            }
        }
        guard let end = try next(statement: statement), end.status == PGRES_PIPELINE_SYNC else {
            throw failure ?? lostOrFailed(statement: statement)
        }
        if let failure { throw failure }
        return result
    }
}
