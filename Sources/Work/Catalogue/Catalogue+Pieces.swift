// Large jobs piece by piece: no statement touches more than some shards, each piece is its own transaction, and
// whoever is killed in between goes on where it stopped.

import Postgres

/// How far a change of a whole job has come.
public struct ShardProgress: Sendable, Hashable {
    /// Shards that are dealt with.
    public var shards: Int
    /// Shards that this call has to deal with.
    public var totalShards: Int
}

/// A run of a job's shards, in the order of their numbers.
struct ShardPiece: Sendable {
    /// Their rows.
    var ids: [Int64]
    /// The last one's number.
    var last: Int
}

extension Catalogue {
    /// Tasks that one statement changes at most, unless a single shard has more: a fraction of a second's work, so that
    /// neither the statement timeout nor whoever waits for one of the rows notices it.
    public static let tasksPerChange = 10_000

    /// Tasks that one statement reads at most, unless a single shard has more.
    static let tasksPerLook = 50_000

    /// The next shards of a job that fulfil `condition` (of `s`): as many as have `limit` tasks, at least one.
    static func piece(
        of job: Int64, after number: Int, where condition: SQL, tasks limit: Int, on connection: isolated Connection
    ) throws -> ShardPiece? {
        let rows = try connection.query(
            """
            SELECT id, number FROM (
                SELECT id, number, tasks, sum(tasks) OVER (ORDER BY number) AS total FROM (
                    SELECT s.id, s.number, s.tasks FROM shards s
                    WHERE s.job_id = \(job) AND s.number > \(number) AND \(sql: condition)
                    ORDER BY s.number LIMIT 1000) page) summed
            WHERE total <= \(limit) OR total = tasks ORDER BY number
            """)
        guard let last = rows.last else { return nil }
        return ShardPiece(ids: try rows.map { try $0.int64("id") }, last: try last.int("number"))
    }

    /// Calls `body` with one piece after the other of a job's shards that fulfil `condition` (of `s`), each in its
    /// own transaction, in which their rows are locked in the order of their ids.
    /// - Parameters:
    ///   - label: names the transactions' failpoints.
    ///   - limit: tasks of a piece.
    ///   - body: changes the shards with these ids and says how much it changed.
    /// - Returns: how much was changed in all.
    @discardableResult
    func changePieces(
        of job: Int64, where condition: SQL, tasks limit: Int, label: String,
        progress: (ShardProgress) -> Void, _ body: @escaping @Sendable (isolated Connection, [Int64]) throws -> Int
    ) async throws -> Int {
        let total = try await connection.query(
            "SELECT count(*) AS count FROM shards s WHERE s.job_id = \(job) AND \(sql: condition)"
        ).one("SELECT count").int("count")
        var changed = 0, done = 0, last = -1
        while true {
            let after = last
            let step = try await transaction(label) { connection -> (piece: ShardPiece, changed: Int)? in
                // The rows are found by their shard, whatever the planner believes of a table that has just grown.
                _ = try connection.execute("SET LOCAL enable_seqscan = off")
                guard
                    let piece = try Self.piece(of: job, after: after, where: condition, tasks: limit, on: connection)
                else { return nil }
                _ = try connection.query("SELECT id FROM shards WHERE id = ANY(\(piece.ids)) ORDER BY id FOR UPDATE")
                return (piece, try body(connection, piece.ids))
            }
            guard let step else { return changed }
            last = step.piece.last
            changed += step.changed
            done += step.piece.ids.count
            progress(ShardProgress(shards: done, totalShards: max(total, done)))
        }
    }
}
