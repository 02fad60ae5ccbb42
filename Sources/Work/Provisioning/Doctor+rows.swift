// Rows that cannot be: from before the constraints that forbid them, or with times that only a wrong clock writes.

import Catalogue
import Postgres

extension Doctor {
    static func rows(_ connection: Connection) async throws -> [CheckResult] {
        let fix =
            "run `detdiffusion-catalogue reconcile --fix`, then `migrate`, which looks again; what is left, delete or restore"
        let broken = try await Catalogue(connection: connection).brokenRules()
        let rules =
            broken.isEmpty
            ? [CheckResult(.catalogue, "rows", .ok, "within the ranges of the schema")]
            : broken.map { CheckResult(.catalogue, "rows", .warn, "\($0)", fix: fix) }
        return rules + [try await times(connection)]
    }

    /// Workers take such leases back and hint such shards anyway; somebody should know where they came from.
    private static func times(_ connection: Connection) async throws -> CheckResult {
        let ahead = try await Catalogue(connection: connection).timesAhead()
        let words = [
            ("leases of over an hour", ahead.leases), ("shards hinted or made in the future", ahead.shards),
            ("workers seen in the future", ahead.workers),
        ].filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
        return CheckResult(
            .catalogue, "times", words.isEmpty ? .ok : .warn,
            words.isEmpty ? "none ahead of the server's clock" : words.joined(separator: ", "),
            fix: "set the server's clock, or find out who wrote them; `reconcile --fix` mends them")
    }
}
