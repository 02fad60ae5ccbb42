// Sending statements and reading their results; failures become PostgresError.

import CPostgres
import Foundation

/// A result of libpq that frees itself.
@safe struct ServerResult: ~Copyable {
    let pointer: OpaquePointer
    init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }
    deinit { unsafe PQclear(pointer) }

    var status: ExecStatusType { unsafe PQresultStatus(pointer) }
    var rowCount: Int { Int(unsafe PQntuples(pointer)) }
    /// "COMMIT", "UPDATE 3" …
    var commandTag: String { unsafe String(cString: PQcmdStatus(pointer)) }
    /// Rows that the statement touched or returned.
    var affected: Int { unsafe Int(String(cString: PQcmdTuples(pointer))) ?? 0 }
    var isFailure: Bool { status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE }

    /// The rows, copied out of libpq's memory.
    func table() -> ResultTable {
        let columnCount = unsafe PQnfields(pointer), rowCount = unsafe PQntuples(pointer)
        var columns: [ResultTable.Column] = [], positions: [String: Int] = [:]
        for column in 0..<columnCount {
            let name = unsafe String(cString: PQfname(pointer, column))
            if positions[name] == nil { positions[name] = Int(column) }
            columns.append(ResultTable.Column(name: name, type: unsafe PQftype(pointer, column)))
        }
        var bytes: [UInt8] = [], ranges: [Range<Int>?] = []
        ranges.reserveCapacity(Int(rowCount) * Int(columnCount))
        for row in 0..<rowCount {
            for column in 0..<columnCount {
                guard unsafe PQgetisnull(pointer, row, column) == 0 else {
                    ranges.append(nil)
                    continue
                }
                let length = Int(unsafe PQgetlength(pointer, row, column))
                ranges.append(bytes.count..<bytes.count + length)
                unsafe bytes.append(
                    contentsOf: UnsafeRawBufferPointer(start: PQgetvalue(pointer, row, column), count: length))
            }
        }
        return ResultTable(
            columns: columns, positions: positions, rowCount: Int(rowCount), bytes: bytes, ranges: ranges)
    }
}

extension Session {
    /// Sends one statement with its parameters.
    func send(_ sql: SQL) throws(PostgresError) {
        let binds = sql.binds, text = sql.text
        precondition(binds.count <= 65_535, "a statement has at most 65,535 parameters; bind an array")
        let lengths = binds.map { Int32($0.bytes?.count ?? 0) }
        let formats = binds.map { _ in Int32(1) }
        let types = binds.map { Oid($0.type) }
        let sent = unsafe withPointers(to: binds) { values in
            unsafe PQsendQueryParams(handle, text, Int32(binds.count), types, values, lengths, formats, 0)
        }
        guard sent == 1 else { throw lostOrFailed(statement: text) }
    }

    /// Sends the parameters of a statement that was prepared under this name.
    func send(_ sql: SQL, named name: String) throws(PostgresError) {
        let binds = sql.binds
        let lengths = binds.map { Int32($0.bytes?.count ?? 0) }
        let formats = binds.map { _ in Int32(1) }
        let sent = unsafe withPointers(to: binds) { values in
            unsafe PQsendQueryPrepared(handle, name, Int32(binds.count), values, lengths, formats, 0)
        }
        guard sent == 1 else { throw lostOrFailed(statement: sql.text) }
    }

    /// Sends a script of statements without parameters.
    func send(script: String) throws(PostgresError) {
        guard unsafe PQsendQuery(handle, script) == 1 else { throw lostOrFailed(statement: script) }
    }

    /// The next result of what was sent; `nil` after the last.
    func next(statement: String) throws(PostgresError) -> ServerResult? {
        let deadline = answerTimeout.map { ContinuousClock.now + $0 }
        while unsafe PQisBusy(handle) == 1 {
            try waitForAnswer(until: deadline, statement: statement)
            guard unsafe PQconsumeInput(handle) == 1 else { throw lostOrFailed(statement: statement) }
        }
        return unsafe PQgetResult(handle).map { unsafe ServerResult($0) }
    }

    /// The last result of what was sent; the first failure is thrown once the connection is ready for the
    /// next statement.
    func finish(statement: String) throws(PostgresError) -> ServerResult? {
        var last: ServerResult?
        var failure: PostgresError?
        while let result = try following(failure, statement: statement) {
            if result.isFailure {
                if failure == nil { failure = self.failure(of: result, statement: statement) }
            } else {
                let isCopy = result.status == PGRES_COPY_IN || result.status == PGRES_COPY_OUT
                last = consume result
                precondition(!isCopy, "COPY is done with copy(into:columns:_:)")
            }
        }
        if let failure { throw failure }
        return last
    }

    /// The next result; what the server said before it ended the connection counts more than that it ended.
    private func following(
        _ failure: PostgresError?, statement: String
    ) throws(PostgresError) -> ServerResult? {
        do throws(PostgresError) {
            return try next(statement: statement)
        } catch {
            throw failure ?? error
        }
    }

    /// Runs one statement.
    func run(_ sql: SQL) throws(PostgresError) -> ServerResult? {
        try send(sql)
        return try finish(statement: sql.text)
    }

    /// Runs a script; several statements are one transaction unless the script says otherwise.
    func run(script: String) throws(PostgresError) -> ServerResult? {
        try send(script: script)
        return try finish(statement: script)
    }

    private func waitForAnswer(until deadline: ContinuousClock.Instant?, statement: String) throws(PostgresError) {
        var descriptor = pollfd(fd: unsafe PQsocket(handle), events: Int16(POLLIN), revents: 0)
        while true {
            let left = deadline.map { max(.zero, $0 - .now) }
            // A millisecond more, so that the deadline has passed when the wait is over.
            let milliseconds = left.map { min(Double(Int32.max), $0 / .milliseconds(1) + 1) } ?? -1
            let ready = unsafe poll(&descriptor, 1, Int32(milliseconds))
            if ready > 0 || (ready < 0 && errno != EINTR) { return }
            guard let deadline, deadline <= .now else { continue }
            throw PostgresError(
                .unavailable,
                "PostgreSQL \(url): no answer within \(answerTimeout ?? .zero); the server or the network is dead")
        }
    }
}

/// Calls `body` with one pointer per parameter, `nil` for NULL, that are valid during the call.
private func withPointers<Result>(
    to binds: [Bind], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
) -> Result {
    // One run of memory with a byte more, so that an empty value's address is not nil, which would mean NULL.
    var memory: [UInt8] = [], offsets: [Int?] = []
    memory.reserveCapacity(binds.reduce(1) { $0 + ($1.bytes?.count ?? 0) })
    for bind in binds {
        offsets.append(bind.bytes == nil ? nil : memory.count)
        memory += bind.bytes ?? []
    }
    memory.append(0)
    return unsafe memory.withUnsafeBytes { bytes in
        let base = unsafe bytes.baseAddress!.assumingMemoryBound(to: CChar.self)
        let pointers = unsafe offsets.map { offset in unsafe offset.map { unsafe base + $0 } } + [nil]
        return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress!) }
    }
}
