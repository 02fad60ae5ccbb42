// Results too large for memory, row by row.

extension Connection {
    /// Runs one statement and calls `body` with each row as it arrives; memory does not grow with the result.
    ///
    /// A `body` that throws ends the statement on the server.
    /// - Returns: how many rows there were.
    @discardableResult
    public func forEachRow(_ sql: SQL, _ body: (Row) throws -> Void) throws -> Int {
        let text = sql.text
        let session = try onSession { session throws(PostgresError) in
            try session.send(sql)
            session.enterSingleRowMode()
            return session
        }
        var count = 0
        do {
            while let table = try onSession({ session throws(PostgresError) in try session.nextRows(statement: text) })
            {
                for row in table.rows {
                    try body(row)
                    count += 1
                }
            }
        } catch {
            session.cancelStatement()
            if !session.isAlive { abandonSession() }
            throw error
        }
        return count
    }
}
