// What settings of PostgreSQL mean for work that must not be lost; pure.

import Foundation
import Postgres

/// What the server tells about itself, in one row.
struct DatabaseSettings: Sendable, Hashable {
    var user = ""
    var version = ""
    /// `server_version_num`, such as 150003.
    var versionNumber = 0
    var fsync = "on"
    var fullPageWrites = "on"
    var synchronousCommit = "on"
    var maximumConnections = 100
    var reservedConnections = 3
    var connections = 1
    var isStandby = false
    var isReadOnly = false
    var isEncrypted = false
    var isLoopback = true
    /// Seconds by which the server's clock is ahead of this host's.
    var clockDifference = 0.0
}

extension DatabaseSettings {
    /// The checks over these settings.
    var results: [CheckResult] {
        [versionCheck, transportCheck, writableCheck, fsyncCheck, fullPageWritesCheck]
            + [commitCheck, connectionsCheck, clockCheck]
    }

    private var versionCheck: CheckResult {
        guard versionNumber >= 130_000 else {
            return CheckResult(
                .postgreSQL, "version", .fail, "\(version), expected 13 or later",
                fix: "upgrade PostgreSQL to 13 or later")
        }
        return CheckResult(.postgreSQL, "version", .ok, version)
    }

    private var transportCheck: CheckResult {
        if isEncrypted { return CheckResult(.postgreSQL, "transport", .ok, "TLS") }
        if isLoopback { return CheckResult(.postgreSQL, "transport", .ok, "loopback") }
        return CheckResult(
            .postgreSQL, "transport", .warn, "layouts and results travel in clear text",
            fix: "use sslmode=verify-full and sslrootcert=… in DATABASE_URL")
    }

    private var writableCheck: CheckResult {
        guard isStandby || isReadOnly else { return CheckResult(.postgreSQL, "writable", .ok, "primary") }
        return CheckResult(
            .postgreSQL, "writable", .fail,
            isStandby ? "a standby: nothing can be recorded" : "default_transaction_read_only is on",
            fix: isStandby
                ? "name the primary in DATABASE_URL (target_session_attrs=read-write)"
                : "turn default_transaction_read_only off")
    }

    private var fsyncCheck: CheckResult {
        guard fsync != "on" else { return CheckResult(.postgreSQL, "fsync", .ok, "on") }
        return CheckResult(
            .postgreSQL, "fsync", .fail, "off: a crash of the host destroys the catalogue",
            fix: "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();")
    }

    private var fullPageWritesCheck: CheckResult {
        guard fullPageWrites != "on" else { return CheckResult(.postgreSQL, "full_page_writes", .ok, "on") }
        return CheckResult(
            .postgreSQL, "full_page_writes", .fail, "off: a crash of the host can tear the catalogue's pages",
            fix: "ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf();")
    }

    private var commitCheck: CheckResult {
        guard synchronousCommit == "off" else {
            return CheckResult(.postgreSQL, "synchronous_commit", .ok, synchronousCommit)
        }
        return CheckResult(
            .postgreSQL, "synchronous_commit", .fail,
            "off: results that workers were told are recorded can be lost in a crash",
            fix:
                "ALTER SYSTEM SET synchronous_commit = on; SELECT pg_reload_conf(); and look at ALTER "
                + "ROLE and ALTER DATABASE settings"
        )
    }

    private var connectionsCheck: CheckResult {
        let free = maximumConnections - reservedConnections - connections
        let found = "\(connections) of \(maximumConnections) used, \(max(0, free)) free; a worker takes 3"
        let fix = "raise max_connections, stop what is not needed, or put a session-mode pooler in front"
        if free < 3 { return CheckResult(.postgreSQL, "connections", .fail, found, fix: fix) }
        return CheckResult(.postgreSQL, "connections", free < 15 ? .warn : .ok, found, fix: fix)
    }

    private var clockCheck: CheckResult {
        let seconds = (abs(clockDifference) * 10).rounded() / 10
        if seconds < 0.1 { return CheckResult(.postgreSQL, "clock", .ok, "as this host's") }
        let found = "\(seconds) s \(clockDifference > 0 ? "ahead of" : "behind") this host's"
        return CheckResult(
            .postgreSQL, "clock", seconds > 5 ? .warn : .ok, found,
            fix: "synchronize both clocks (NTP); leases keep the server's time, but logs and ages do not fit together")
    }
}

extension DatabaseSettings {
    /// Reads all of it with one statement, so that the clocks are compared at one moment.
    static func read(on connection: Connection) async throws -> DatabaseSettings {
        // Making the connection must not be part of measuring the clock.
        _ = try await connection.query("SELECT 1 AS one")
        let before = ClockReading.now
        let rows = try await connection.query(
            """
            SELECT current_user::text AS name, current_setting('server_version') AS version,
                   current_setting('server_version_num')::integer AS number, current_setting('fsync') AS fsync,
                   current_setting('full_page_writes') AS pages, current_setting('synchronous_commit') AS commits,
                   current_setting('max_connections')::integer AS maximum,
                   current_setting('superuser_reserved_connections')::integer AS reserved,
                   (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::integer AS used,
                   pg_is_in_recovery() AS standby, current_setting('default_transaction_read_only') = 'on' AS readonly,
                   coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted,
                   extract(epoch FROM clock_timestamp())::double precision AS clock
            """)
        let after = ClockReading.now
        guard let row = rows.first else { return DatabaseSettings() }
        return DatabaseSettings(
            user: try row.string("name"), version: try row.string("version"), versionNumber: try row.int("number"),
            fsync: try row.string("fsync"), fullPageWrites: try row.string("pages"),
            synchronousCommit: try row.string("commits"), maximumConnections: try row.int("maximum"),
            reservedConnections: try row.int("reserved"), connections: try row.int("used"),
            isStandby: try row.bool("standby"), isReadOnly: try row.bool("readonly"),
            isEncrypted: try row.bool("encrypted"),
            isLoopback: connection.url.host.split(separator: ",").allSatisfy { Loopback.contains(String($0)) },
            clockDifference: ClockReading.difference(of: try row.double("clock"), before: before, after: after))
    }
}

/// This host's wall clock, in seconds since 1970.
enum ClockReading {
    static var now: Double { Date().timeIntervalSince1970 }

    /// How far another clock is ahead that was read between two readings of ours; the nearer bound of what is possible.
    static func difference(of other: Double, before: Double, after: Double) -> Double {
        if other < before { return other - before }
        return other > after ? other - after : 0
    }
}
