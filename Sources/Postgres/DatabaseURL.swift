// Where the database is: a libpq URI or connection string, whose password is never shown.

import CPostgres

/// The address of a PostgreSQL database, `postgresql://user:password@host:port/database?sslmode=verify-full` or
/// `host=… dbname=…`.
///
/// libpq reads it, so every parameter of libpq is allowed, several hosts included; what is left out comes from libpq's
/// environment variables (`PGPASSWORD`, `PGSSLROOTCERT` …) and password file.
public struct DatabaseURL: Sendable, CustomStringConvertible, CustomReflectable {
    /// libpq's keywords and their values, those only that were given.
    let parameters: [String: String]

    /// Reads an address; does not connect.
    public init(_ text: String) throws(PostgresError) {
        guard text.contains(where: { !$0.isWhitespace }) else {
            throw Self.unreadable("it is empty")
        }
        try Self.checkSigns(in: text)
        parameters = try Self.parse(text)
        let ports = (parameters["port"] ?? "").split(separator: ",")
        guard ports.allSatisfy({ UInt16($0) != nil }) else {
            throw Self.unreadable("its port is not a number from 1 to 65535 (\(Self.escapes))")
        }
    }

    /// The server's name or names; libpq's default where it was not given.
    public var host: String { parameters["host"] ?? parameters["hostaddr"] ?? "localhost" }
    /// The server's port or ports.
    public var port: String { parameters["port"] ?? "5432" }
    /// The user's name, where it was given.
    public var user: String? { parameters["user"] }
    /// The database's name, where it was given.
    public var database: String? { parameters["dbname"] }

    /// The address without password and options.
    public var description: String {
        let hosts = host.split(separator: ","), ports = port.split(separator: ",")
        let addresses = hosts.enumerated().map { index, host in
            let port = index < ports.count ? ports[index] : (ports.last ?? "5432")
            return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
        return "postgresql://" + (user.map { $0 + "@" } ?? "") + addresses.joined(separator: ",") + "/"
            + (database ?? "")
    }

    /// Shows what ``description`` shows, so that a dump of a value that holds an address tells no password.
    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }

    /// libpq ends a password at the first `@`, `/` or `?` of a URI and takes what follows for a host, a database or an
    /// option, which error lines and logs show. Where an `@` is left over, one of these was a part of the password.
    private static func checkSigns(in text: String) throws(PostgresError) {
        guard let scheme = text.firstRange(of: "://") else { return }
        let rest = text[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard authority.count(where: { $0 == "@" }) <= 1, !rest[authority.endIndex...].contains("@") else {
            throw unreadable("it holds an '@' that ends no password (\(escapes))")
        }
    }

    private static let escapes = "write '/', '@', ':', '?' and '#' in a password as %2F, %40, %3A, %3F, %23"

    private static func parse(_ text: String) throws(PostgresError) -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        let options = unsafe PQconninfoParse(text, &message)
        defer { unsafe PQconninfoFree(options) }
        defer { unsafe PQfreemem(message) }
        guard let options = unsafe options else {
            throw unreadable(unsafe message.map { unsafe withoutQuotations(String(cString: $0)) } ?? "out of memory")
        }
        var parameters: [String: String] = [:]
        var index = 0
        while let keyword = unsafe options[index].keyword {
            if let value = unsafe options[index].val {
                unsafe parameters[String(cString: keyword)] = unsafe String(cString: value)
            }
            index += 1
        }
        return parameters
    }

    /// libpq's message without what it quotes from the text, since that may be a part of the password.
    private static func withoutQuotations(_ message: String) -> String {
        message.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .map { index, part in index.isMultiple(of: 2) ? String(part) : "…" }
            .joined(separator: "\"")
    }

    private static func unreadable(_ reason: String) -> PostgresError {
        PostgresError(
            .configuration,
            "database URL: expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE or libpq's key=value "
                + "form, but \(reason)"
        )
    }
}
