// Rows on their way through COPY, in PostgreSQL's binary format (documentation of COPY, section "Binary Format").

/// Writes the rows of one COPY; made by ``Connection/copy(into:columns:_:)``.
///
/// Values are checked against the columns' types before they are sent, since the server would read an int8 as eight
/// bytes of anything.
public struct CopyWriter: ~Copyable {
    /// Bytes that are collected before they are sent.
    static let pieceSize = 128 << 10

    private let session: Session
    private let target: CopyTarget
    private var buffer: [UInt8] = []
    /// Rows appended so far.
    public private(set) var rowCount = 0

    init(session: Session, target: CopyTarget) {
        self.session = session
        self.target = target
        buffer.reserveCapacity(Self.pieceSize + (16 << 10))
        // Signature, flags, length of the header extension.
        buffer += Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00]
        buffer.append(bigEndian: Int64(0))
    }

    /// Appends one row: a value per column, in the order of the columns; an optional for NULL.
    public mutating func append<each Value: PostgresBindable>(_ value: repeat each Value) throws(PostgresError) {
        let start = buffer.count
        buffer.append(bigEndian: Int16(target.columns.count))
        var position = 0
        for element in repeat each value {
            try append(element, at: position)
            position += 1
        }
        precondition(
            position == target.columns.count, "COPY into \(target.table): a row has \(target.columns.count) values")
        rowCount += 1
        if start >= Self.pieceSize { try flush() }
    }

    private mutating func append<Value: PostgresBindable>(_ value: Value, at position: Int) throws(PostgresError) {
        precondition(
            position < target.columns.count, "COPY into \(target.table): a row has \(target.columns.count) values")
        let column = target.columns[position]
        guard column.accepts(Value.postgresType) else {
            throw PostgresError(
                .decoding,
                "COPY into \(target.table): column '\(column.name)': expected \(column.typeName), found "
                    + "\(TypeOID.description(Value.postgresType)) in row \(rowCount + 1)"
            )
        }
        buffer.append(lengthAndValue: value)
    }

    /// Sends what is collected.
    mutating func flush() throws(PostgresError) {
        try session.put(copyData: buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Sends the rest and the trailer.
    mutating func finish() throws(PostgresError) {
        buffer.append(bigEndian: Int16(-1))
        try flush()
    }
}

/// Where a COPY goes.
struct CopyTarget {
    struct Column {
        var name: String
        /// `nil` where the column was not found; COPY itself then says so.
        var type: UInt32?
        var typeName: String
        /// Whether its binary format is that of text.
        var isText: Bool

        func accepts(_ valueType: UInt32) -> Bool {
            guard let type else { return true }
            return type == valueType || (isText && valueType == TypeOID.text)
        }
    }

    var table: String
    var columns: [Column]

    var statement: String {
        let names = columns.map { SQL.quoted(identifier: $0.name) }.joined(separator: ", ")
        return "COPY \(SQL.quoted(table: table)) (\(names)) FROM STDIN (FORMAT binary)"
    }
}
