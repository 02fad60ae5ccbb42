// What rights beside those on the catalogue's tables mean.

/// Judges what the roles may do beyond the catalogue; pure.
enum ReachJudgement {
    static func results(_ roles: [RoleReach], database: String) -> [CheckResult] {
        func result(_ check: String, _ good: String, fix: String, _ excess: (RoleReach) -> [String]) -> CheckResult {
            let found = roles.flatMap { role in excess(role).map { "\(role.name) \($0)" } }
            return found.isEmpty
                ? CheckResult(.catalogue, check, .ok, good)
                : CheckResult(.catalogue, check, .warn, found.joined(separator: "; "), fix: fix)
        }
        let others = Set(roles.flatMap(\.databases)).sorted().map(SQLText.identifier).joined(separator: ", ")
        let database = SQLText.identifier(database)
        return [
            result("role attributes", "none", fix: "ALTER ROLE … NOSUPERUSER NOCREATEROLE NOCREATEDB; REVOKE … FROM …")
            {
                $0.attributes
                    + ($0.memberships.isEmpty ? [] : ["is a member of \($0.memberships.joined(separator: ", "))"])
            },
            result(
                "temporary tables", "no role makes any",
                fix: "as the owner of the database: REVOKE TEMPORARY ON DATABASE \(database) FROM PUBLIC;"
            ) { $0.makesTemporaryTables ? ["may make them"] : [] },
            result(
                "tables and functions", "no role makes any",
                fix: "as the schema's owner: REVOKE CREATE ON SCHEMA … FROM PUBLIC;"
            ) { $0.schemas.isEmpty ? [] : ["may make them in schema \($0.schemas.joined(separator: ", "))"] },
            result(
                "large objects", "no role makes any",
                fix: "as a superuser, in this database: \(EveryoneText.largeObjects)"
            ) { $0.makesLargeObjects ? ["may make them"] : [] },
            result(
                "other databases", "no role may connect to one",
                fix: "as their owner: REVOKE CONNECT ON DATABASE \(others) FROM PUBLIC;"
            ) { $0.databases.isEmpty ? [] : ["may connect to \($0.databases.joined(separator: ", "))"] },
            // PostgreSQL needs no right for these that a role of ours could be without.
            CheckResult(
                .catalogue, "locks", .ok,
                "no role locks tables; rows that it may change, and advisory locks, PostgreSQL cannot refuse: end such a "
                    + "session with pg_terminate_backend"),
        ]
    }
}
