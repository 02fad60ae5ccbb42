// Where the servers and the object directory are: flags override the environment.

import Addresses
public import ArgumentParser
public import Broker
public import Catalogue
import ErrorLines
import Foundation
public import Postgres
public import Stores

/// `--database-url`, or DATABASE_URL.
public struct DatabaseOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("PostgreSQL, as a libpq URI or key=value string. Default: $DATABASE_URL.", valueName: "url"))
    var databaseURL: String?

    /// For the argument parser.
    public init() {}

    /// The catalogue's address.
    public func url() throws -> DatabaseURL {
        try DatabaseURL(try setting(databaseURL, variable: "DATABASE_URL", flag: "--database-url"))
    }
}

/// `--amqp-url`, or AMQP_URL.
public struct BrokerOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "RabbitMQ, as amqp://user:password@host:port/vhost or amqps://. Default: $AMQP_URL.", valueName: "url"))
    var amqpURL: String?

    /// For the argument parser.
    public init() {}

    /// The broker's address.
    public func url() throws -> BrokerURL {
        try BrokerURL(try setting(amqpURL, variable: "AMQP_URL", flag: "--amqp-url"))
    }
}

/// `--store`, or DETDIFFUSION_STORE.
public struct StoreOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Object directory, shared by all workers. Default: $DETDIFFUSION_STORE.", valueName: "dir"))
    var store: String?

    /// For the argument parser.
    public init() {}

    /// Where the store is, not yet opened.
    public func site() throws -> any StoreSite {
        guard let site = try optionalSite() else {
            throw CommandError.missingSetting("--store", variable: "DETDIFFUSION_STORE")
        }
        return site
    }

    /// Where the store is, if that was said; commands that set up servers do without.
    public func optionalSite() throws -> (any StoreSite)? {
        // As it stands: what clings to a path is named, since a folder may be called so.
        guard let path = store ?? ProcessInfo.processInfo.environment["DETDIFFUSION_STORE"], !path.isEmpty else {
            return nil
        }
        try Self.check(path)
        do throws(StoreError) {
            return try StoreSites.site(named: path)
        } catch {
            throw CommandError(.usage, "--store: \(error)")
        }
    }

    /// Opens the store of this catalogue, which must have this program's schema.
    public func open(of catalogue: Catalogue, for use: StoreUse) async throws -> any ObjectStore {
        let site = try site()
        try await catalogue.requireCurrentSchema()
        let identity = try await catalogue.identity()
        return try site.open(of: StoreIdentity(catalogue: identity.id, place: identity.place), for: use)
    }

    /// Refuses what a shell or an environment file left at the ends of a path. A folder of such a name would be made, and
    /// the real one be missed.
    private static func check(_ path: String) throws {
        let ends = [path.unicodeScalars.first, path.unicodeScalars.last].compactMap { $0 }
        let remnant: String? =
            if ends.contains(where: { $0.properties.isWhitespace }) {
                path.last?.isNewline == true ? "a line end" : "white space"
            } else if ends.contains(where: { $0 == "\"" || $0 == "'" }) {
                "a quotation mark"
            } else {
                nil
            }
        guard let remnant else { return }
        throw CommandError(
            .usage,
            "--store: expected a path, found \(ErrorLine.quoted(path, limit: 200)) with \(remnant) at its beginning or end; "
                + "take it off")
    }
}

/// The value of a flag, or of its variable without the quotes and line ends that files of variables leave around one.
/// - Throws: ``CommandError``, 64, where there is neither.
public func setting(_ flag: String?, variable: String, flag name: String) throws -> String {
    guard let value = try optionalSetting(flag, variable: variable) else {
        throw CommandError.missingSetting(name, variable: variable)
    }
    return value
}

extension CommandError {
    /// Neither the flag nor its variable says anything.
    static func missingSetting(_ flag: String, variable: String) -> CommandError {
        CommandError(
            .usage,
            "\(flag): expected a value or the environment variable \(variable), found neither; `eval "
                + "\"$(ops/stack env)\"` sets it for the private servers")
    }
}

/// The same where there need not be one; `nil` then.
public func optionalSetting(_ flag: String?, variable: String) throws -> String? {
    if let flag, !flag.isEmpty { return flag }
    guard flag == nil, let value = ProcessInfo.processInfo.environment[variable] else { return nil }
    do throws(AddressFault) {
        let text = try AddressText.unwrapped(value)
        return text.isEmpty ? nil : text
    } catch {
        throw CommandError(.usage, "\(variable): expected a value, but \(error)")
    }
}
