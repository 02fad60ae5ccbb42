// Where the servers and the object directory are: flags override the environment.

import Addresses
public import ArgumentParser
public import Broker
import Foundation
public import Postgres

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

    /// The directory, not yet opened.
    public func path() throws -> String {
        try setting(store, variable: "DETDIFFUSION_STORE", flag: "--store")
    }
}

/// The value of a flag, or of its variable without the quotes and line ends that files of variables leave around one.
/// - Throws: ``CommandError``, 64, where there is neither.
public func setting(_ flag: String?, variable: String, flag name: String) throws -> String {
    guard let value = try optionalSetting(flag, variable: variable) else {
        throw CommandError(
            .usage,
            "\(name): expected a value or the environment variable \(variable), found neither; `eval "
                + "\"$(ops/stack env)\"` sets it for the private servers"
        )
    }
    return value
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
