// Log lines whose values came from messages, rows and programs.

import ErrorLines
public import Logging

/// Hands on to another handler what is left of an event when it holds nothing that a terminal obeys.
public struct PrintableLogHandler: LogHandler {
    private var handler: any LogHandler

    /// Cleans what goes to `handler`.
    public init(_ handler: any LogHandler) { self.handler = handler }

    /// The other handler's level.
    public var logLevel: Logger.Level {
        get { handler.logLevel }
        set { handler.logLevel = newValue }
    }

    /// What every event carries.
    public var metadata: Logger.Metadata {
        get { handler.metadata }
        set { handler.metadata = Self.cleaned(newValue) }
    }

    /// What an event's surroundings add.
    public var metadataProvider: Logger.MetadataProvider? {
        get { handler.metadataProvider }
        set { handler.metadataProvider = newValue.map { provider in .init { Self.cleaned(provider.get()) } } }
    }

    /// One value that every event carries.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { handler[metadataKey: key] }
        set { handler[metadataKey: PrintableText.line(key)] = newValue.map(Self.cleaned) }
    }

    /// Hands an event on.
    public func log(event: LogEvent) {
        var event = event
        event.message = "\(PrintableText.line(event.message.description))"
        event.metadata = event.metadata.map(Self.cleaned)
        if let error = event.error {
            // The handler would add the error as it describes itself.
            event.error = nil
            event.metadata = (event.metadata ?? [:]).merging(
                ["error.message": "\(PrintableText.line("\(error)"))"], uniquingKeysWith: { given, _ in given })
        }
        handler.log(event: event)
    }

    private static func cleaned(_ metadata: Logger.Metadata) -> Logger.Metadata {
        Dictionary(
            metadata.map { (PrintableText.line($0.key), cleaned($0.value)) }, uniquingKeysWith: { first, _ in first })
    }

    private static func cleaned(_ value: Logger.Metadata.Value) -> Logger.Metadata.Value {
        switch value {
        case .string(let text): .string(PrintableText.line(text))
        case .stringConvertible(let convertible): .string(PrintableText.line(convertible.description))
        case .array(let values): .array(values.map(cleaned))
        case .dictionary(let metadata): .dictionary(cleaned(metadata))
        }
    }
}
