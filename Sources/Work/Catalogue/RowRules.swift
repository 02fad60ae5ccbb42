// Which rows can be. schemas/catalogue/0007_ranges.sql forbids the others; these are the same rules for the statements that
// choose rows. A row from before the constraints that breaks one must not be touched, for every change of it would be
// refused; it is left where it is, and `audit` and `doctor` name it.

import Postgres
import Tasks

/// The rules of rows, as conditions of SQL.
enum RowRules {
    /// Beyond this no lease and no wait can reach: an hour, and a minute for clocks that are set.
    static let ahead: SQL = "(now() + interval '61 minutes')"
    /// Beyond this no time can be that is the server's when it is written.
    static let future: SQL = "(now() + interval '1 minute')"

    /// The highest fencing number that a claim may still raise.
    static let lastEpoch = 2_000_000_000
    /// Where fencing goes on in a row whose number cannot be: above what any claim ever had.
    static let mendedEpoch = 1_000_000

    /// Whether a shard `s` can be.
    static let shard: SQL = "(s.number < 10000000 AND s.tasks <= 1000000 AND s.first_task <= 1000000000000)"

    /// Whether a task row can be claimed, given how many tasks its shard has.
    static func task(_ row: StaticString, of tasks: SQL) -> SQL {
        let row: SQL = "\(unsafeRaw: "\(row)")"
        return """
            (\(sql: row).number >= 0 AND \(sql: row).number < \(sql: tasks) AND \(sql: counts(row)))
            """
    }

    /// Whether a task row's epoch and tries can be, and can grow.
    static func counts(_ row: SQL) -> SQL {
        """
        (\(sql: row).epoch >= 0 AND \(sql: row).epoch < \(unsafeRaw: "\(lastEpoch)") AND \(sql: row).attempt >= 0
         AND \(sql: row).deaths >= 0)
        """
    }

    /// How many tasks the shard of this id has, as a value.
    static func tasks(ofShard shard: Int64) -> SQL { "(SELECT tasks FROM shards WHERE id = \(shard))" }

    /// Whether an output `u` can be.
    static let output: SQL = """
        (u.epoch >= 0 AND u.bytes >= 0 AND u.width >= 1 AND u.width <= 4096 AND u.height >= 1 AND u.height <= 4096)
        """
}

extension Catalogue {
    /// The longest lease, and the longest that a failed task waits: what lies further ahead was not written by a worker.
    public static let longestWait = Duration.seconds(3600)
}
