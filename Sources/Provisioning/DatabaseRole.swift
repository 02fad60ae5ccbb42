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
    func rights(tables: Set<String>) -> Set<TableRight> {
        let reads = tables.map { TableRight("SELECT", $0) }
        return Set(reads + writes.filter { tables.contains($0.table) })
    }

    private var writes: [TableRight] {
        switch self {
        case .producer:
            ["jobs", "shards", "tasks", "payloads"].map { TableRight("INSERT", $0) }
                + [TableRight("UPDATE", "shards", column: "hinted_at")]
        case .worker:
            ["tasks", "outputs", "workers", "leases", "dead_letters"].map { TableRight("INSERT", $0) }
                + ["shards", "tasks", "outputs", "workers", "leases"].map { TableRight("UPDATE", $0) }
                + [TableRight("DELETE", "leases")]
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
