// What stands between a command and the server, and whether it lets a session keep its settings; pure.

import Postgres

/// Judges a session of this program's.
enum SessionJudgement {
    private static let fix =
        "set pool_mode = session for this database and leave server_reset_query as it is, or name the server itself in DATABASE_URL"

    static func result(_ session: SessionState) -> CheckResult {
        let place = session.isPooled ? "a pooler in session mode" : "no pooler"
        guard let lost = session.lost.min(by: { $0.key < $1.key }) else {
            return CheckResult(.postgreSQL, "session", .ok, "\(place), \(session.settings) settings hold")
        }
        return CheckResult(
            .postgreSQL, "session", .fail,
            "\(place), \(session.lost.count) of \(session.settings) settings do not hold, such as \(lost.key), now "
                + "'\(lost.value)'",
            fix: fix)
    }

    /// The result in place of `error`, where a pooler is its reason.
    static func result(_ error: any Error) -> CheckResult? {
        guard let error = error as? PostgresError, error.code == .pooling else { return nil }
        return CheckResult(.postgreSQL, "session", .fail, error.description, fix: fix)
    }
}
