// The one error of this module.

/// What PostgreSQL refused, or why it could not be asked.
///
/// The description is one line and never contains a password or a bound value of ours.
public struct PostgresError: Error, CustomStringConvertible, Sendable, Hashable {
    /// What callers branch on.
    public enum Code: Sendable, Hashable {
        /// No connection, a lost one, a server that is starting or stopping, or one without resources (SQLSTATE classes
        /// 08 and 53, 57P01 to 57P05, 25P03). Nothing was committed; trying again later may help.
        case unavailable
        /// Serialization failure, deadlock or lock timeout (40001, 40P01, 55P03): trying the whole transaction
        /// again may help.
        case retryable
        /// The connection was lost while COMMIT was in flight: the transaction is whole, either committed or not.
        case commitUnknown
        /// The server did not accept who we are (class 28).
        case authentication
        /// An integrity constraint (class 23), by name; empty where PostgreSQL names none.
        case constraint(String)
        /// Any other error of the server, by SQLSTATE.
        case sql(String)
        /// A value of a row, or a value for COPY, is not of the expected type.
        case decoding
        /// The recorded migrations are not those of this program.
        case migration
        /// The database URL cannot be read, or asks the server for what it does not know.
        case configuration
        /// A pooler between this program and the server hands the transactions of one session to several.
        case pooling
    }

    /// What callers branch on.
    public let code: Code
    /// SQLSTATE, where the server sent one.
    public let sqlstate: String?
    /// One line: what was done, what was found, and the fix.
    public let description: String

    init(_ code: Code, sqlstate: String? = nil, _ description: String) {
        self.code = code
        self.sqlstate = sqlstate
        self.description = Self.oneLine(description)
    }

    /// The code that stands for a SQLSTATE.
    static func code(sqlstate: String, constraint: String?) -> Code {
        switch sqlstate {
        case "40001", "40P01", "55P03": .retryable
        case "57P01", "57P02", "57P03", "57P04", "57P05", "25P03": .unavailable
        case let state where state.hasPrefix("08") || state.hasPrefix("53"): .unavailable
        case let state where state.hasPrefix("28"): .authentication
        case let state where state.hasPrefix("23"): .constraint(constraint ?? "")
        default: .sql(sqlstate)
        }
    }

    /// Joins the lines of a message of libpq or the server.
    static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline)
            .map { line in String(line.drop { $0.isWhitespace }) }
            .joined(separator: "; ")
    }
}
