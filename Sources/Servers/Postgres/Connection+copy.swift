// Bulk loading by binary COPY.

extension Connection {
    /// Loads rows into a table: `try row.append(id, name, payload)` for each.
    ///
    /// Everything or nothing arrives: when `body` throws, no row does. Text values may go to columns of enumeration and
    /// JSON types; else a value's type must be the column's (`Int64` int8, `Int32` int4 …).
    /// - Parameters:
    ///   - table: its name, with a schema before a dot or not.
    ///   - columns: the columns that each row has values for.
    /// - Returns: how many rows were loaded.
    @discardableResult
    public func copy(
        into table: String, columns: [String], _ body: (inout CopyWriter) throws -> Void
    ) throws -> Int {
        let target = CopyTarget(table: table, columns: try copyColumns(columns, of: table))
        let session = try onSession { session throws(PostgresError) in
            try session.beginCopy(target.statement)
            return session
        }
        var writer = CopyWriter(session: session, target: target)
        do {
            try body(&writer)
            try writer.finish()
        } catch {
            let answer = session.cancelCopy(target.statement)
            if !session.isAlive { abandonSession() }
            // A piece that could not be sent has its reason in the server's answer.
            throw error is PostgresError ? answer ?? error : error
        }
        return try onSession { session throws(PostgresError) in try session.endCopy(target.statement) }
    }

    private func copyColumns(_ columns: [String], of table: String) throws(PostgresError) -> [CopyTarget.Column] {
        let rows = try query(
            """
            SELECT c.name, t.type::bigint AS type, format_type(t.type, NULL) AS type_name,
                   coalesce(t.typtype = 'e' OR t.typcategory = 'S' OR t.type = 'json'::regtype, false) AS is_text
            FROM unnest(\(columns)) WITH ORDINALITY AS c (name, position)
            LEFT JOIN pg_attribute a
                ON a.attrelid = to_regclass(\(SQL.quoted(table: table))) AND a.attname = c.name AND NOT a.attisdropped
            LEFT JOIN LATERAL (
                SELECT coalesce(nullif(typbasetype, 0), oid) AS type, typtype, typcategory FROM pg_type
                WHERE oid = a.atttypid) t ON true
            ORDER BY c.position
            """)
        var result: [CopyTarget.Column] = []
        for row in rows {
            result.append(
                CopyTarget.Column(
                    name: try row.string("name"), type: try row.optionalInt("type").map { UInt32($0) },
                    typeName: try row.optionalString("type_name") ?? "", isText: try row.bool("is_text")))
        }
        return result
    }
}
