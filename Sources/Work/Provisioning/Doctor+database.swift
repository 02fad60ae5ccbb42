// What PostgreSQL tells of itself and of the catalogue in it.

import Catalogue
import Postgres

extension Doctor {
    func examineDatabase() async -> [CheckResult] {
        let url: DatabaseURL
        do { url = try subject.database.get() } catch {
            return [
                CheckResult(.postgreSQL, "reachable", .fail, "\(error)", fix: "set DATABASE_URL or give --database-url")
            ]
        }
        let connection = Connection(
            url: url, applicationName: "detdiffusion doctor", statementTimeout: .seconds(5), logger: logger)
        var results = await attempt(.postgreSQL, "reachable", fix: "start PostgreSQL, or correct DATABASE_URL") {
            let settings = try await DatabaseSettings.read(on: connection)
            let session = SessionJudgement.result(try await connection.sessionState())
            return [CheckResult(.postgreSQL, "reachable", .ok, "\(url)"), session] + settings.results
        }
        guard results.first?.verdict == .ok else { return results }
        let schema = await attempt(
            .catalogue, "schema", fix: "run the program that made the schema, or restore it; never edit a migration"
        ) { [try await Self.schema(connection)] }
        results += schema
        // Tables of a schema that is not there, or another one, tell nothing.
        guard schema.first?.verdict == .ok else { return results }
        let prefix = subject.rolePrefix
        results += await attempt(.catalogue, "rights", fix: "run `detdiffusion-catalogue provision`") {
            try await Self.rights(connection, prefix: prefix)
        }
        results += await attempt(.catalogue, "state", fix: "let this user read the catalogue's tables", verdict: .warn)
        {
            try await Self.state(connection)
        }
        results += await attempt(.catalogue, "rows", fix: "let this user read the catalogue's tables", verdict: .warn) {
            try await Self.rows(connection)
        }
        await connection.close()
        return results
    }

    private static func schema(_ connection: Connection) async throws -> CheckResult {
        let version = Catalogue.migrations.last?.version ?? 0
        let pending = try await Catalogue(connection: connection).pendingMigrations()
        guard !pending.isEmpty else { return CheckResult(.catalogue, "schema", .ok, "version \(version)") }
        let names = pending.map { "\($0.version) \($0.name)" }.joined(separator: ", ")
        return CheckResult(
            .catalogue, "schema", .fail, "not applied: \(names)",
            fix: "run `detdiffusion-catalogue migrate` as the owner of the database")
    }

    private static func rights(_ connection: Connection, prefix: String) async throws -> [CheckResult] {
        let tables = try await CatalogueTables.names(on: connection)
        let user = try await connection.query("SELECT current_user::text AS name").first?.string("name") ?? ""
        var abilities: [String] = []
        for role in DatabaseRole.allCases {
            let missing = try await CatalogueTables.missing(role.rights(tables: tables), role: user, on: connection)
            if missing.isEmpty { abilities.append(role.ability) }
        }
        var results = [
            CheckResult(
                .catalogue, "this user", abilities.isEmpty ? .fail : .ok,
                "\(user) may \(abilities.isEmpty ? "not even read" : abilities.joined(separator: ", "))",
                fix: "run `detdiffusion-catalogue provision` as the owner of the database")
        ]
        var reaches: [RoleReach] = []
        for role in DatabaseRole.allCases {
            let account = try await RoleAccount.read(role, prefix: prefix, on: connection)
            results.append(judge(account))
            if account.exists { reaches.append(try await RoleReach.read(account.name, on: connection)) }
        }
        let place = try await SQLPlace.read(on: connection)
        return results + ReachJudgement.results(reaches, database: place.database)
    }

    static func judge(_ account: RoleAccount) -> CheckResult {
        let check = "role \(account.role.rawValue)",
            fix = "run `detdiffusion-catalogue provision` as the owner of the database"
        guard account.exists else {
            return CheckResult(.catalogue, check, .warn, "\(account.name) is not there", fix: fix)
        }
        guard account.mayEnter else {
            return CheckResult(.catalogue, check, .fail, "\(account.name) may not connect to the database", fix: fix)
        }
        guard account.missing.isEmpty else {
            return CheckResult(
                .catalogue, check, .fail, "\(account.name) lacks \(Provisioner.shortened(account.missing))", fix: fix)
        }
        guard account.canLogIn else {
            return CheckResult(.catalogue, check, .warn, "\(account.name) may not log in", fix: fix)
        }
        guard account.excess.isEmpty else {
            return CheckResult(
                .catalogue, check, .warn,
                "\(account.name) has more than it needs: \(Provisioner.shortened(account.excess))",
                fix: fix)
        }
        return CheckResult(.catalogue, check, .ok, "\(account.name) may \(account.role.ability), nothing else")
    }

    private static func state(_ connection: Connection) async throws -> [CheckResult] {
        let rows = try await connection.query(
            """
            SELECT (SELECT coalesce(sum(s.dead), 0) FROM shards s JOIN jobs j ON j.id = s.job_id
                    WHERE s.dead > j.allow_dead AND j.state <> 'cancelled')::bigint AS dead,
                   (SELECT count(*) FROM shards WHERE state = 'quarantined')::bigint AS quarantined,
                   (SELECT count(*) FROM dead_letters)::bigint AS unreadable,
                   (SELECT count(*) FROM leases WHERE expires_at < now() - interval '10 minutes')::bigint AS expired,
                   (SELECT count(*) FROM workers WHERE state <> 'stopped' AND seen_at > now() - interval '5 minutes')::bigint
                       AS workers
            """)
        guard let row = rows.first else { return [] }
        let workers = try row.int("workers")
        func count(_ check: String, _ column: String, _ what: String, fix: String) throws -> CheckResult {
            let count = try row.int(column)
            return CheckResult(
                .catalogue, check, count == 0 ? .ok : .warn, count == 0 ? "none" : "\(count) \(what)", fix: fix)
        }
        return [
            try count(
                "dead tasks", "dead", "tasks were given up",
                fix: "`detdiffusion-catalogue tasks --state dead` says why; then `retry` or `finish --allow-dead N`"),
            try count(
                "quarantined shards", "quarantined", "shards could not be packed",
                fix:
                    "`detdiffusion-catalogue shards --state quarantined` says why; then `reconcile --fix` "
                    + "and `retry`"),
            try count(
                "unreadable messages", "unreadable", "messages were kept because no worker could read them",
                fix:
                    "SELECT queue, reason, received_at FROM dead_letters; then delete the rows (the newest 1,000 are kept, for 30 days)"
            ),
            try count(
                "expired leases", "expired",
                "leases ran out over 10 minutes ago, and "
                    + "\(workers == 0 ? "no worker runs" : "\(workers) workers run"): nobody takes the work "
                    + "back",
                fix: "start a worker: each takes expired leases back, whatever it serves"),
        ]
    }
}
