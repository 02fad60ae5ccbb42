// The three roles of a catalogue, and the rights that each command really needs.

/// Who connects to the catalogue.
public enum DatabaseRole: String, Sendable, CaseIterable, Codable {
    /// `detdiffusion-producer`: records jobs and marks shards as hinted; cannot touch outputs.
    case producer
    /// `detdiffusion-worker`: claims, records and packs; cannot make or change jobs.
    case worker
    /// Queries, `watch`, `export`, `verify`: reads.
    case reader

    /// The role's name on the server.
    public func name(prefix: String) -> String { "\(prefix)_\(rawValue)" }

    /// The rights that the role needs on these tables and views, and no others.
    ///
    /// Writing is given column by column, which does not allow LOCK TABLE, and nobody deletes: ended leases and old dead
    /// letters are removed by their tables' triggers. The migrations give the same to the roles of the usual names.
    func rights(tables: Set<String>) -> Set<TableRight> {
        let reads = tables.map { TableRight("SELECT", $0) }
        let written = writes.filter { tables.contains($0.table) }.flatMap { write in
            write.columns.map { TableRight(write.privilege, write.table, column: $0) }
        }
        return Set(reads + written)
    }

    private typealias Write = (privilege: String, table: String, columns: [String])

    private static let shardKey = ["shard_id", "kind", "number"]
    private static let image = [
        "sha256", "bytes", "width", "height", "epoch", "worker_id", "device_class", "device_epoch",
        "judgement",
    ]

    private static let result = ["form", "content", "sha256", "epoch", "worker_id", "device_class"]

    private var writes: [Write] {
        switch self {
        case .producer:
            [
                (
                    "INSERT", "jobs",
                    ["name", "kind", "capability", "lane", "strategy", "specification", "specification_sha256"]
                        + ["categories", "statistics", "follow_kind", "follow_capability", "hint_size", "max_attempts"]
                        + ["after_job", "after_by"]
                ), ("UPDATE", "jobs", ["hint_size", "max_attempts"]),
                ("INSERT", "shards", ["job_id", "number", "first_task", "tasks"]), ("UPDATE", "shards", ["hinted_at"]),
                ("INSERT", "tasks", Self.shardKey),
                ("INSERT", "payloads", ["shard_id", "number", "image_id", "sample", "payload"]),
            ]
        case .worker:
            [
                (
                    "UPDATE", "shards",
                    ["state", "done", "dead", "cancelled", "hinted_at", "due_at", "reason"]
                        + ["tar", "tar_sha256", "tar_bytes", "samples", "finished_at"]
                ), ("INSERT", "tasks", Self.shardKey),
                (
                    "UPDATE", "tasks",
                    ["state", "epoch", "attempt", "deaths", "returns", "lease_id", "not_before", "reason"]
                ),
                ("INSERT", "outputs", ["shard_id", "number"] + Self.image),
                ("UPDATE", "outputs", Self.image + ["recorded_at", "lost_at"]),
                ("INSERT", "results", Self.shardKey + Self.result),
                ("UPDATE", "results", Self.result + ["recorded_at", "lost_at"]),
                ("INSERT", "workers", ["name", "host", "pid", "version", "serves", "device_class"]),
                ("UPDATE", "workers", ["state", "done", "failed", "seen_at"]),
                ("INSERT", "leases", ["worker_id", "shard_id", "kind", "expires_at"]),
                ("UPDATE", "leases", ["expires_at"]),
                ("INSERT", "dead_letters", ["queue", "message_id", "body", "reason"]),
            ]
        case .reader: []
        }
    }

    /// What the role may do, for people.
    var ability: String {
        switch self {
        case .producer: "enqueue"
        case .worker: "work"
        case .reader: "read"
        }
    }
}

/// One privilege on a table or view of the catalogue, or on one of its columns.
struct TableRight: Hashable, Sendable, CustomStringConvertible, Comparable {
    var privilege: String
    var table: String
    var column: String?

    init(_ privilege: String, _ table: String, column: String? = nil) {
        self.privilege = privilege
        self.table = table
        self.column = column
    }

    var description: String { "\(clause) on \(table)" }

    /// The privilege as GRANT names it.
    var clause: String { column.map { "\(privilege) (\($0))" } ?? privilege }

    static func < (left: TableRight, right: TableRight) -> Bool {
        (left.table, left.clause) < (right.table, right.clause)
    }
}
