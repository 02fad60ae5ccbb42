// How a role stands on the server: there or not, and what it may do against what it needs.

import Postgres

/// A role on the server, compared with its ``DatabaseRole``.
struct RoleAccount: Sendable {
    let role: DatabaseRole
    let name: String
    var exists = false
    var canLogIn = false
    /// Rights it needs and has not, neither itself nor through others.
    var missing: [TableRight] = []
    /// Rights on tables that it has, itself or through others, and does not need.
    var excess: [TableRight] = []
    /// Whether it may connect to the database and see the schema.
    var mayEnter = false

    /// Whether nothing is to be granted or revoked.
    var isExact: Bool { exists && mayEnter && missing.isEmpty && excess.isEmpty }

    /// Looks at the role; changes nothing.
    static func read(_ role: DatabaseRole, prefix: String, on connection: Connection) async throws -> RoleAccount {
        let tables = try await CatalogueTables.names(on: connection)
        return try await read(role, prefix: prefix, tables: tables, on: connection)
    }

    private static func read(
        _ role: DatabaseRole, prefix: String, tables: Set<String>, on connection: Connection
    ) async throws -> RoleAccount {
        var account = RoleAccount(role: role, name: role.name(prefix: prefix))
        let rows = try await connection.query("SELECT rolcanlogin FROM pg_roles WHERE rolname = \(account.name)")
        guard let row = rows.first else { return account }
        account.exists = true
        account.canLogIn = try row.bool("rolcanlogin")
        let entry = try await connection.query(
            """
            SELECT has_database_privilege(\(account.name), current_database(), 'CONNECT')
               AND has_schema_privilege(\(account.name), current_schema(), 'USAGE') AS may
            """)
        account.mayEnter = try entry.first?.bool("may") ?? false
        let needed = role.rights(tables: tables)
        account.missing = try await CatalogueTables.missing(needed, role: account.name, on: connection)
        account.excess = try await held(by: account.name, on: connection).subtracting(needed).sorted()
        return account
    }

    /// Every right to write that the role has on tables and columns, by whatever grant: its own, everyone's, that of a role
    /// whose member it is, or as their owner or a superuser. Rights to read are given on all tables.
    private static func held(by name: String, on connection: Connection) async throws -> Set<TableRight> {
        let rows = try await connection.query(
            """
            SELECT c.relname::text AS name, p.privilege, NULL::text AS column_name
            FROM pg_class c CROSS JOIN unnest(\(tablePrivileges)) AS p (privilege)
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p')
              AND has_table_privilege(\(name), c.oid, p.privilege)
            UNION ALL
            SELECT c.relname::text, p.privilege, t.attname::text
            FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped
            CROSS JOIN unnest(\(columnPrivileges)) AS p (privilege)
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p')
              AND has_column_privilege(\(name), c.oid, t.attnum, p.privilege)
              AND NOT has_table_privilege(\(name), c.oid, p.privilege)
            """)
        return Set(
            try rows.map { row in
                TableRight(
                    try row.string("privilege"), try row.string("name"), column: try row.optionalString("column_name"))
            })
    }

    private static let columnPrivileges = ["INSERT", "UPDATE", "REFERENCES"]
    private static let tablePrivileges =
        columnPrivileges + ["DELETE", "TRUNCATE", "TRIGGER", "SELECT WITH GRANT OPTION"]
}

/// The catalogue's tables and views, as the server has them.
enum CatalogueTables {
    /// Names of the tables and views in the current schema that the catalogue's migrations made.
    static func names(on connection: Connection) async throws -> Set<String> {
        let rows = try await connection.query(
            """
            SELECT relname::text AS name FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v', 'm', 'p')
              AND to_regclass('schema_migrations') IS NOT NULL
              AND relowner = (SELECT relowner FROM pg_class WHERE oid = to_regclass('schema_migrations'))
            """)
        return Set(try rows.map { try $0.string("name") })
    }

    /// Those of the rights that a role does not have.
    static func missing(
        _ rights: Set<TableRight>, role: String, on connection: Connection
    ) async throws -> [TableRight] {
        let rights = rights.sorted()
        let rows = try await connection.query(
            """
            SELECT CASE WHEN r.field = '' THEN has_table_privilege(\(role), quote_ident(r.name), r.privilege)
                        ELSE has_column_privilege(\(role), quote_ident(r.name), r.field, r.privilege) END AS has
            FROM unnest(\(rights.map(\.table)), \(rights.map(\.privilege)), \(rights.map { $0.column ?? "" }))
                WITH ORDINALITY AS r (name, privilege, field, place)
            ORDER BY r.place
            """)
        var missing: [TableRight] = []
        for (right, row) in zip(rights, rows) where try !row.bool("has") { missing.append(right) }
        return missing
    }
}
