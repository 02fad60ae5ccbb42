// Logs go to standard error, so that standard output stays for results.

public import ArgumentParser
public import Logging

extension Logger.Level: @retroactive ExpressibleByArgument {}

/// `--log-level`.
public struct LoggingOptions: ParsableArguments {
    /// The lowest level that is shown.
    @Option(name: .long, help: "trace, debug, info, notice, warning, error or critical.")
    public var logLevel = Logger.Level.warning

    /// For the argument parser.
    public init() {}

    /// Sends all logs to standard error and makes the command's logger.
    public func bootstrap(_ label: String) -> Logger { Self.bootstrap(label, level: logLevel) }

    /// The same for a command with its own default.
    public static func bootstrap(_ label: String, level: Logger.Level) -> Logger {
        LoggingSystem.bootstrap { label in PrintableLogHandler(StreamLogHandler.standardError(label: label)) }
        var logger = Logger(label: label)
        logger.logLevel = level
        return logger
    }
}
