// SQL text in which every interpolated value is a parameter, so that an injection is a type error.

/// A statement with its parameters.
///
/// ```swift
/// "SELECT name FROM jobs WHERE id = \(id) AND state = ANY(\(states))"
/// ```
/// sends `SELECT name FROM jobs WHERE id = $1 AND state = ANY($2)`. A `String` is bound as text; where a column is of
/// an enumeration or JSON type, write a cast: `\(state)::task_state`.
public struct SQL: ExpressibleByStringInterpolation, Sendable, Hashable {
    enum Piece: Sendable, Hashable {
        case text(String)
        case bind(Bind)
    }

    private(set) var pieces: [Piece]

    /// A statement without parameters; for constants.
    public init(stringLiteral value: String) { pieces = [.text(value)] }

    /// What string interpolation made.
    public init(stringInterpolation: StringInterpolation) { pieces = stringInterpolation.pieces }

    /// SQL that this program holds as text: a migration, or a statement put together from constants. Never
    /// text from outside.
    public init(unsafeRaw text: String) { pieces = [.text(text)] }

    /// The statement with `$1`, `$2` … in place of the values.
    public var text: String {
        var number = 0
        return pieces.reduce(into: "") { text, piece in
            switch piece {
            case .text(let part): text += part
            case .bind:
                number += 1
                text += "$\(number)"
            }
        }
    }

    var binds: [Bind] {
        pieces.compactMap { piece in
            guard case .bind(let bind) = piece else { return nil }
            return bind
        }
    }

    /// One statement of both texts, parameters numbered through.
    public static func + (left: SQL, right: SQL) -> SQL {
        var sum = left
        sum += right
        return sum
    }

    /// Appends `right`, parameters numbered through.
    public static func += (left: inout SQL, right: SQL) { left.pieces += right.pieces }
}

extension SQL {
    /// Collects the text and the values of an interpolated ``SQL``.
    public struct StringInterpolation: StringInterpolationProtocol, Sendable {
        var pieces: [Piece] = []

        /// Called by the compiler.
        public init(literalCapacity: Int, interpolationCount: Int) {
            pieces.reserveCapacity(2 * interpolationCount + 1)
        }

        /// Text of the program.
        public mutating func appendLiteral(_ literal: String) {
            if !literal.isEmpty { pieces.append(.text(literal)) }
        }

        /// A value: it becomes a parameter.
        public mutating func appendInterpolation(_ value: some PostgresBindable) { pieces.append(.bind(Bind(value))) }

        /// A value that may be absent: it becomes a parameter, NULL for `nil`.
        public mutating func appendInterpolation<Value: PostgresBindable>(_ value: Value?) {
            pieces.append(.bind(Bind(value)))
        }

        /// An array: it becomes one parameter; the label is only for the reader.
        public mutating func appendInterpolation(array value: some PostgresBindable) { appendInterpolation(value) }

        /// A value that may be absent; the label is only for the reader.
        public mutating func appendInterpolation(optional value: (some PostgresBindable)?) {
            appendInterpolation(value)
        }

        /// Another statement or a part of one, with its parameters.
        public mutating func appendInterpolation(sql: SQL) { pieces += sql.pieces }

        /// A name of a table, column or schema, quoted.
        public mutating func appendInterpolation(identifier: String) {
            pieces.append(.text(SQL.quoted(identifier: identifier)))
        }

        /// Text that is put in as it is; constants of the program only, never text from outside.
        public mutating func appendInterpolation(unsafeRaw text: String) { pieces.append(.text(text)) }
    }

    /// The identifier in double quotes.
    static func quoted(identifier: String) -> String {
        "\"" + identifier.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// A table's name in double quotes; a dot divides it from its schema.
    static func quoted(table: String) -> String {
        table.split(separator: ".", maxSplits: 1).map { quoted(identifier: String($0)) }.joined(separator: ".")
    }
}
