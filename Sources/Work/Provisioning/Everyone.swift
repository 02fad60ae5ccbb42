// What PostgreSQL gives to everyone, and so to each of our roles, unless somebody takes it away.

import Postgres

/// What a role may do beside reading and writing the catalogue's tables, by itself or as everyone may.
struct RoleReach: Sendable, Hashable {
    var name: String
    /// What comes near a superuser, for people.
    var attributes: [String] = []
    /// Roles that it is a member of.
    var memberships: [String] = []
    var makesTemporaryTables = false
    var makesLargeObjects = false
    /// Schemas in which it may make tables and functions.
    var schemas: [String] = []
    /// Other databases that let it in.
    var databases: [String] = []

    /// Looks at a role that is there.
    static func read(_ name: String, on connection: Connection) async throws -> RoleReach {
        let row = try await connection.query(
            """
            SELECT array_to_string(ARRAY[
                       CASE WHEN r.rolsuper THEN 'is a superuser' END, CASE WHEN r.rolcreaterole THEN 'may make roles' END,
                       CASE WHEN r.rolcreatedb THEN 'may make databases' END,
                       CASE WHEN r.rolreplication THEN 'may replicate' END,
                       CASE WHEN r.rolbypassrls THEN 'bypasses row security' END], chr(10)) AS attributes,
                   array_to_string(ARRAY(SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
                         WHERE m.member = r.oid ORDER BY 1), chr(10)) AS memberships,
                   has_database_privilege(r.oid, current_database(), 'TEMPORARY') AS temporary,
                   EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace
                           AND p.proname = ANY(\(EveryoneText.largeObjectMakers))
                           AND has_function_privilege(r.oid, p.oid, 'EXECUTE')) AS large,
                   array_to_string(ARRAY(SELECT n.nspname FROM pg_namespace n WHERE has_schema_privilege(r.oid, n.oid, 'CREATE')
                           AND n.nspname !~ '^pg_(temp|toast)' ORDER BY 1), chr(10)) AS schemas,
                   array_to_string(ARRAY(SELECT d.datname FROM pg_database d WHERE d.datallowconn AND d.datname <> current_database()
                           AND has_database_privilege(r.oid, d.oid, 'CONNECT') ORDER BY 1), chr(10)) AS databases
            FROM pg_roles r WHERE r.rolname = \(name)
            """
        ).first
        guard let row else { return RoleReach(name: name) }
        func list(_ column: String) throws -> [String] {
            try row.string(column).split(separator: "\n").map(String.init)
        }
        return RoleReach(
            name: name, attributes: try list("attributes"), memberships: try list("memberships"),
            makesTemporaryTables: try row.bool("temporary"), makesLargeObjects: try row.bool("large"),
            schemas: try list("schemas"), databases: try list("databases"))
    }
}

/// Statements about everyone.
enum EveryoneText {
    static let largeObjectMakers = ["lo_creat", "lo_create", "lo_from_bytea"]

    /// For a superuser: every role of the server may fill the database with large objects otherwise.
    static let largeObjects =
        "REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC;"

    /// For the owner of the database and the schema.
    static func statements(_ place: SQLPlace) -> [String] {
        let database = SQLText.identifier(place.database), schema = SQLText.identifier(place.schema)
        return [
            "REVOKE CREATE, TEMPORARY ON DATABASE \(database) FROM PUBLIC;",
            "REVOKE CREATE ON SCHEMA \(schema) FROM PUBLIC;",
            "REVOKE ALL ON ALL TABLES IN SCHEMA \(schema) FROM PUBLIC;",
        ]
    }
}

extension Provisioner {
    /// Takes from everyone what no role of ours needs: temporary tables, and making things in the catalogue's schema.
    func restrictEveryone(on connection: Connection) async throws -> ProvisionStep {
        let subject = "everyone's rights"
        let none = "nobody makes temporary tables, nor tables and functions beside the catalogue's"
        if try await !Self.everyoneMayMakeThings(on: connection) {
            return ProvisionStep(.postgreSQL, subject, .present, none)
        }
        if plan.isDryRun { return ProvisionStep(.postgreSQL, subject, .planned, "revoke: \(none)") }
        let statements = EveryoneText.statements(try await SQLPlace.read(on: connection))
        do {
            try await connection.simple(statements.joined(separator: " "))
        } catch {
            guard error.sqlstate == "42501" else { throw error }
        }
        // What somebody else granted stays, with a warning of PostgreSQL's and no error: look again.
        guard try await Self.everyoneMayMakeThings(on: connection) else {
            return ProvisionStep(.postgreSQL, subject, .done, "revoked: \(none)")
        }
        return ProvisionStep(
            .postgreSQL, subject, .todo, "this user may not revoke what everyone may", instructions: statements)
    }

    private static func everyoneMayMakeThings(on connection: Connection) async throws -> Bool {
        try await connection.query(
            """
            SELECT has_database_privilege('public', current_database(), 'CREATE, TEMPORARY')
                OR has_schema_privilege('public', current_schema(), 'CREATE')
                OR EXISTS (SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace
                           AND relkind IN ('r', 'v', 'm', 'p') AND has_table_privilege('public', oid,
                               'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')) AS may
            """
        ).first?.bool("may") ?? false
    }
}
