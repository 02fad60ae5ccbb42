// Single-row mode of libpq.

import CPostgres

extension Session {
    /// Makes the statement that was just sent deliver its rows one at a time.
    func enterSingleRowMode() {
        let entered = unsafe PQsetSingleRowMode(handle)
        precondition(entered == 1, "single-row mode begins directly after sending a statement")
    }

    /// The next row, or an empty table at the end of the rows; `nil` when the statement is over.
    func nextRows(statement: String) throws(PostgresError) -> ResultTable? {
        guard let result = try next(statement: statement) else { return nil }
        guard !result.isFailure else {
            let failure = self.failure(of: result, statement: statement)
            while isAlive, try next(statement: statement) != nil {}
            throw failure
        }
        return result.table()
    }

    /// Asks the server to end the running statement and throws away what it still sends.
    func cancelStatement() {
        guard isAlive, unsafe PQtransactionStatus(handle) == PQTRANS_ACTIVE else { return }
        if let cancel = unsafe PQgetCancel(handle) {
            var message = [CChar](repeating: 0, count: 256)
            // A request that does not arrive costs only the time of reading the remaining rows.
            _ = unsafe PQcancel(cancel, &message, Int32(message.count))
            unsafe PQfreeCancel(cancel)
        }
        while let result = unsafe PQgetResult(handle) { unsafe PQclear(result) }
    }
}
