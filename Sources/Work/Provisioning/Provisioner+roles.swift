// The three roles of the database: making them, their passwords and their rights.

import Postgres

extension Provisioner {
    func provision(_ role: DatabaseRole, on connection: Connection) async throws -> ProvisionStep {
        let name = role.name(prefix: plan.rolePrefix)
        let subject = "role \(name)"
        let password = plan.passwords?.password(for: role)
        let rows = try await connection.query("SELECT rolcanlogin FROM pg_roles WHERE rolname = \(name)")
        let exists = !rows.isEmpty
        let canLogIn = try rows.first?.bool("rolcanlogin") ?? false
        let setsPassword = password != nil && (!exists || plan.passwords?.appliesToExistingRoles == true)
        let origin = plan.passwords.map { "password from \($0.path)" } ?? ""
        if exists, canLogIn, !setsPassword { return ProvisionStep(.postgreSQL, subject, .present, "may log in") }
        let action = exists ? "ALTER" : "CREATE"
        let missing = setsPassword || exists ? "" : "without a password yet: \\password \(name) in psql sets one"
        if plan.isDryRun {
            let verb = exists ? "set" : "create it,"
            return ProvisionStep(
                .postgreSQL, subject, .planned, "\(verb) \(setsPassword ? origin : "login " + missing)")
        }
        let verifier = setsPassword ? try await self.verifier(password, name: name, on: connection) : nil
        do {
            try await Self.allowLogin(name, action: action, verifier: verifier, on: connection)
        } catch {
            return try Self.refusal(error, subject: subject, action: action, name: name)
        }
        let change = exists ? "may log in" : "created"
        return ProvisionStep(
            .postgreSQL, subject, .done, change + (setsPassword ? ", \(origin)" : missing.isEmpty ? "" : ", " + missing)
        )
    }

    private func verifier(_ password: String?, name: String, on connection: Connection) async throws -> String? {
        guard let password else { return nil }
        return try await connection.passwordVerifier(password, role: name)
    }

    private static func allowLogin(
        _ name: String, action: String, verifier: String?, on connection: Connection
    ) async throws(PostgresError) {
        var statement: SQL = "\(unsafeRaw: action) ROLE \(identifier: name) LOGIN"
        if let verifier {
            // DDL takes no parameters; a verifier holds only base64 and punctuation without quotes.
            precondition(!verifier.contains("'") && !verifier.contains("\\"), "a SCRAM verifier holds no quote")
            statement += " PASSWORD '\(unsafeRaw: verifier)'"
        }
        _ = try await connection.execute(statement)
    }

    /// What becomes of a role that could not be made or changed.
    private static func refusal(
        _ error: PostgresError, subject: String, action: String, name: String
    ) throws(PostgresError) -> ProvisionStep {
        switch error.sqlstate {
        case "42501":
            return ProvisionStep(
                .postgreSQL, subject, .todo, "this user may not \(action.lowercased()) roles",
                instructions: [
                    "\(action) ROLE \(SQLText.identifier(name)) LOGIN;", "\\password \(SQLText.identifier(name))",
                ])
        case "42710", "23505":
            return ProvisionStep(.postgreSQL, subject, .present, "another run created it meanwhile")
        default: throw error
        }
    }

    func grant(_ role: DatabaseRole, on connection: Connection) async throws -> ProvisionStep {
        let name = role.name(prefix: plan.rolePrefix)
        let subject = "rights of \(name)"
        let tables = try await CatalogueTables.names(on: connection)
        let account = try await RoleAccount.read(role, prefix: plan.rolePrefix, on: connection)
        let place = try await SQLPlace.read(on: connection)
        let statements = SQLText.grants(role, name: name, place: place, tables: tables)
        guard !tables.isEmpty else {
            let outcome: ProvisionStep.Outcome = plan.isDryRun ? .planned : .todo
            return ProvisionStep(.postgreSQL, subject, outcome, "\(role.ability), as soon as the schema is there")
        }
        guard account.exists || plan.isDryRun else {
            return ProvisionStep(
                .postgreSQL, subject, .todo, "the role is not there yet", instructions: statements)
        }
        if account.isExact { return ProvisionStep(.postgreSQL, subject, .present, "may \(role.ability), nothing else") }
        let change = Self.change(account)
        if plan.isDryRun { return ProvisionStep(.postgreSQL, subject, .planned, change) }
        return try await run(statements, granting: role, subject: subject, change: change, on: connection)
    }

    private func run(
        _ statements: [String], granting role: DatabaseRole, subject: String, change: String, on connection: Connection
    ) async throws -> ProvisionStep {
        func refused(_ change: String) -> ProvisionStep {
            ProvisionStep(.postgreSQL, subject, .todo, "this user may not grant: \(change)", instructions: statements)
        }
        do {
            // Several statements sent at once are one transaction.
            try await connection.simple(statements.joined(separator: " "))
        } catch {
            guard error.sqlstate == "42501" else { throw error }
            return refused(change)
        }
        // A grant by somebody who may not grant is a warning of PostgreSQL, not an error: look again.
        let after = try await RoleAccount.read(role, prefix: plan.rolePrefix, on: connection)
        guard after.isExact else { return refused(Self.change(after)) }
        return ProvisionStep(.postgreSQL, subject, .done, change)
    }

    private static func change(_ account: RoleAccount) -> String {
        var parts: [String] = []
        if !account.exists { parts.append("may \(account.role.ability)") }
        if account.exists, !account.mayEnter { parts.append("connect to the database") }
        if account.exists, !account.missing.isEmpty { parts.append("granted: \(shortened(account.missing))") }
        if !account.excess.isEmpty { parts.append("revoked: \(shortened(account.excess))") }
        return parts.joined(separator: "; ")
    }

    /// The first few of a list, for one line.
    static func shortened(_ rights: [TableRight]) -> String {
        let shown = rights.prefix(3).map(\.description).joined(separator: ", ")
        return rights.count > 3 ? "\(shown) and \(rights.count - 3) more" : shown
    }
}

/// Where the catalogue's tables are.
struct SQLPlace: Sendable {
    let database: String
    let schema: String

    static func read(on connection: Connection) async throws -> SQLPlace {
        let rows = try await connection.query(
            "SELECT current_database()::text AS database, current_schema()::text AS schema")
        return SQLPlace(
            database: try rows.first?.string("database") ?? "",
            schema: try rows.first?.optionalString("schema") ?? "public")
    }
}

/// Statements that this program runs or an administrator copies.
enum SQLText {
    static func identifier(_ name: String) -> String {
        name.wholeMatch(of: /[a-z_][a-z0-9_]*/) != nil
            ? name
            : "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// Sets the role's rights to exactly what it needs; safe to run again.
    static func grants(_ role: DatabaseRole, name: String, place: SQLPlace, tables: Set<String>) -> [String] {
        let name = identifier(name), schema = identifier(place.schema)
        var statements = [
            "GRANT CONNECT ON DATABASE \(identifier(place.database)) TO \(name);",
            "GRANT USAGE ON SCHEMA \(schema) TO \(name);", "REVOKE ALL ON ALL TABLES IN SCHEMA \(schema) FROM \(name);",
        ]
        let byClause = Dictionary(grouping: role.rights(tables: tables).filter { $0.column == nil }, by: \.clause)
        for (clause, rights) in byClause.sorted(by: { $0.key < $1.key }) {
            let names = rights.map { "\(schema).\(identifier($0.table))" }.sorted().joined(separator: ", ")
            statements.append("GRANT \(clause) ON \(names) TO \(name);")
        }
        let byTable = Dictionary(grouping: role.rights(tables: tables).filter { $0.column != nil }) {
            TableRight($0.privilege, $0.table)
        }
        for (right, rights) in byTable.sorted(by: { $0.key < $1.key }) {
            let columns = rights.compactMap(\.column).sorted().joined(separator: ", ")
            statements.append(
                "GRANT \(right.privilege) (\(columns)) ON \(schema).\(identifier(right.table)) TO \(name);")
        }
        return statements
    }
}
