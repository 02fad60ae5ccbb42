// Constraints that came after the rows: whether older rows keep to them, and which do not.

import Postgres

/// A constraint that holds for new rows only, because rows from before it break it.
public struct BrokenRule: Sendable, Hashable {
    /// The table.
    public var table: String
    /// The constraint's name.
    public var constraint: String
    /// How many rows break it.
    public var rows: Int
    /// Keys of some of them.
    public var examples: String
}

extension BrokenRule: CustomStringConvertible {
    /// `3 rows of tasks break tasks_number_range (shard_id 1, kind generate, number -7; …)`.
    public var description: String {
        "\(rows) row\(rows == 1 ? "" : "s") of \(table) break\(rows == 1 ? "s" : "") \(constraint) (\(examples)\(rows > 5 ? "; …" : ""))"
    }
}

/// How many rows have times ahead of the server's clock.
public struct TimesAhead: Sendable, Hashable {
    /// Leases that last longer than any worker's.
    public var leases: Int
    /// Shards made or hinted in the future, or due later than any failed task.
    public var shards: Int
    /// Workers whose last sign of life is still to come.
    public var workers: Int
}

/// A constraint that was added without a look at the rows.
private struct UncheckedRule {
    var table: String
    var constraint: String
    /// The condition, as PostgreSQL wrote it down.
    var condition: SQL
    /// A row's key in words, as an expression.
    var key: SQL
    /// Whether this user may say that it holds.
    var isMine: Bool

    init(row: Row) throws {
        table = try row.string("table")
        constraint = try row.string("constraint")
        condition = SQL(unsafeRaw: try row.string("condition"))
        key = SQL(unsafeRaw: try row.string("key"))
        isMine = try row.bool("is_mine")
    }
}

extension Catalogue {
    /// Looks at the rows that are older than their constraints, and lets each constraint hold for all rows that does.
    /// Workers go on meanwhile. Constraints of tables that are another user's are left to that user.
    func validateRules() async throws {
        for rule in try await uncheckedRules() where rule.isMine {
            do {
                _ = try await transaction("validate") { connection in
                    _ = try connection.execute("SET LOCAL statement_timeout = 0")
                    return try connection.execute(
                        "ALTER TABLE \(identifier: rule.table) VALIDATE CONSTRAINT \(identifier: rule.constraint)")
                }
            } catch let error as PostgresError {
                // Rows break it: ``brokenRules()`` names them, and new rows are held to it nevertheless.
                guard case .constraint = error.code else { throw error }
            }
        }
    }

    /// The constraints that rows from before them break. Reads a table only for a constraint that is not known to hold.
    public func brokenRules() async throws -> [BrokenRule] {
        var broken: [BrokenRule] = []
        for rule in try await uncheckedRules() {
            let row = try await connection.query(
                """
                SELECT (SELECT count(*) FROM \(identifier: rule.table) r WHERE NOT (\(sql: rule.condition))) AS count,
                       array_to_string(ARRAY(
                           SELECT regexp_replace(left(\(sql: rule.key), 120), '[[:cntrl:]]', '?', 'g')
                           FROM \(identifier: rule.table) r WHERE NOT (\(sql: rule.condition)) LIMIT 5), '; ') AS examples
                """
            ).one("SELECT count")
            let count = try row.int("count")
            guard count > 0 else { continue }
            broken.append(
                BrokenRule(
                    table: rule.table, constraint: rule.constraint, rows: count, examples: try row.string("examples")))
        }
        return broken
    }

    /// What lies further ahead of the server's clock than anything that a worker writes.
    public func timesAhead() async throws -> TimesAhead {
        let row = try await connection.query(
            """
            SELECT (SELECT count(*) FROM leases WHERE expires_at > \(sql: RowRules.ahead)) AS leases,
                   (SELECT count(*) FROM shards WHERE created_at > \(sql: RowRules.future)
                      OR hinted_at > \(sql: RowRules.future) OR due_at > \(sql: RowRules.ahead)) AS shards,
                   (SELECT count(*) FROM workers WHERE seen_at > \(sql: RowRules.future)) AS workers
            """
        ).one("SELECT count")
        return TimesAhead(
            leases: try row.int("leases"), shards: try row.int("shards"), workers: try row.int("workers"))
    }

    private func uncheckedRules() async throws -> [UncheckedRule] {
        try await connection.query(
            """
            SELECT c.relname::text AS table, k.conname::text AS constraint, pg_get_expr(k.conbin, k.conrelid) AS condition,
                   pg_has_role(c.relowner, 'USAGE') AS is_mine,
                   (SELECT string_agg(format('%L || r.%I', a.attname || ' ', a.attname), ' || '', '' || '
                                      ORDER BY a.attnum)
                    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
                    WHERE i.indrelid = c.oid AND i.indisprimary) AS key
            FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = current_schema() AND k.contype = 'c' AND NOT k.convalidated
            ORDER BY c.relname, k.conname
            """
        ).map(UncheckedRule.init(row:))
    }
}
