// Where the database is: a libpq URI or connection string, whose password is never shown.

import Addresses
import CPostgres

/// The address of a PostgreSQL database, `postgresql://user:password@host:port/database?sslmode=verify-full` or
/// `host=… dbname=…`.
///
/// libpq reads it, so every parameter of libpq is allowed, several hosts included; what is left out comes from libpq's
/// environment variables (`PGPASSWORD`, `PGSSLROOTCERT` …) and password file.
public struct DatabaseURL: Sendable, CustomStringConvertible, CustomReflectable {
    /// libpq's keywords and their values, those only that were given.
    let parameters: [String: String]
    /// The settings in the parameter `options`, by name; `nil` where it says more than settings.
    let settings: [String: String]?

    /// Reads an address; does not connect.
    public init(_ text: String) throws(PostgresError) {
        do throws(AddressFault) {
            parameters = try DatabaseURLText(text).parameters()
            settings = ServerOptions.settings(in: parameters["options"] ?? "")
        } catch {
            throw PostgresError(
                .configuration,
                "database URL: expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE or libpq's key=value form, but "
                    + "\(error)")
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
        return "postgresql://" + (user.map { Address.shown(user: $0) + "@" } ?? "") + addresses.joined(separator: ",")
            + "/"
            + (database ?? "")
    }

    /// Shows what ``description`` shows, so that a dump of a value that holds an address tells no password.
    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
