// libpq's side of COPY FROM STDIN.

import CPostgres

extension Session {
    /// Starts a COPY FROM STDIN.
    func beginCopy(_ statement: String) throws(PostgresError) {
        try send(script: statement)
        guard let result = try next(statement: statement) else { throw lostOrFailed(statement: statement) }
        guard result.status == PGRES_COPY_IN else {
            let failure = self.failure(of: result, statement: statement)
            while try next(statement: statement) != nil {}
            throw failure
        }
    }

    /// Sends a piece of data.
    func put(copyData bytes: [UInt8]) throws(PostgresError) {
        let sent = unsafe bytes.withUnsafeBytes { bytes in
            unsafe PQputCopyData(
                handle, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
        }
        guard sent == 1 else { throw lostOrFailed(statement: "COPY") }
    }

    /// Ends a COPY whose data are complete.
    /// - Returns: how many rows arrived.
    func endCopy(_ statement: String) throws(PostgresError) -> Int {
        guard unsafe PQputCopyEnd(handle, nil) == 1 else { throw lostOrFailed(statement: statement) }
        return try finish(statement: statement)?.affected ?? 0
    }

    /// Ends a COPY that shall load nothing.
    /// - Returns: what the server says, if that is more than that we cancelled.
    func cancelCopy(_ statement: String) -> PostgresError? {
        guard isAlive, unsafe PQputCopyEnd(handle, "cancelled by the client") == 1 else { return nil }
        do {
            _ = try finish(statement: statement)
            return nil
        } catch {
            // 57014 is the server's word for our own cancellation.
            return error.sqlstate == "57014" ? nil : error
        }
    }
}
